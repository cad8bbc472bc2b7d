#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "ctl/ctl.h"
#include "ctl/unit.h"
#include "ctl/when.h"
#include "job/job.h"

const char ctl_logs_help[] =
	"Usage: nexusctl logs [JOB...] [-f] [--since WHEN] [--type TYPE]\n"
	"                     [--outcome OUTCOME] [--unit UNIT] [--dry-run]\n"
	"\n"
	"Shows what the daemon logged, and what the programs that do its jobs wrote, by\n"
	"running journalctl with the right matches, which pages and colours as it does.\n"
	"\n"
	"  JOB                only lines of this job\n"
	"  -f, --follow       stay, and show new lines as they come\n"
	"  --since WHEN       not what is older: 30s, 5min, 2h, 7d ago, or UTC, as\n"
	"                     2026-01-02, '2026-01-02 03:04', 2026-01-02T03:04:05Z\n"
	"  --type TYPE        only lines of jobs of this type\n"
	"  --outcome OUTCOME  only how jobs ended: completed, failed, timeout, missing,\n"
	"                     rejected, duplicate, elsewhere, lost, abandoned\n"
	"  --unit UNIT        systemd's unit, if not nexus-worker or, with --config\n"
	"                     /etc/nexus-worker/NAME.conf, nexus-worker@NAME\n"
	"  --dry-run          print the command line instead of running it\n"
	"\n"
	"JOB, --type and --outcome may be given several times: any of those. With --json\n"
	"it is the journal's own form, an object a line: MESSAGE, NEXUS_JOB_ID,\n"
	"NEXUS_JOB_TYPE, NEXUS_ATTEMPT, NEXUS_OUTCOME, NEXUS_WAIT_USEC, NEXUS_RUN_USEC\n"
	"and more.\n"
	"\n"
	"Examples: nexusctl logs -f\n"
	"          nexusctl logs test-123\n"
	"          nexusctl logs --outcome failed --outcome timeout --since 2h\n"
	"          nexusctl logs --type generate-thumbnail --since 1d --dry-run\n"
	"\n"
	"Exit status: journalctl's; 1 there is none, 64 usage.\n";

#define JOURNALCTL "journalctl"

/* A command line, as execvp() takes it. Owns its words. */
struct line {
	char **words; /* NULL behind the last */
	size_t n_words;
	bool failed; /* for want of memory */
};

static void line_done(struct line *line)
{
	for (size_t i = 0; i < line->n_words; i++)
		free(line->words[i]);
	free(line->words);
}

static void line_add(struct line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void line_add(struct line *line, const char *format, ...)
{
	char **words = reallocarray(line->words, line->n_words + 2, sizeof *words);
	va_list args;

	if (!words) {
		line->failed = true;
		return;
	}
	line->words = words;
	va_start(args, format);
	int n = vasprintf(&words[line->n_words], format, args);
	va_end(args);
	if (n < 0)
		line->failed = true;
	else
		line->n_words++;
	words[line->n_words] = NULL;
}

/* ---- For people to copy ---- */

static void put_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_=./:@%+,";

	if (word[strspn(word, plain)] == '\0') {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	}
	putchar('\'');
}

static int line_print(const struct line *line)
{
	for (size_t i = 0; i < line->n_words; i++) {
		if (i > 0)
			putchar(' ');
		put_word(line->words[i]);
	}
	putchar('\n');
	return EXIT_SUCCESS;
}

static int line_run(const struct line *line)
{
	execvp(JOURNALCTL, line->words);
	if (errno == ENOENT)
		return ctl_fail(EXIT_FAILURE,
			"there is no journalctl here: without systemd the daemon's lines are where "
			"its standard error goes");
	return ctl_fail(EXIT_FAILURE, JOURNALCTL ": %m");
}

/* ---- Arguments ---- */

static int add_since(struct line *line, const char *text)
{
	char duration[CLOCK_DURATION_MAX], utc[WHEN_MAX];
	usec_t when;

	line_add(line, "--since");
	if (when_parse_duration(text, &when) == 0) {
		line_add(line, "-%s", clock_format_duration(when, duration));
		return EXIT_SUCCESS;
	}
	if (when_parse_utc(text, &when) < 0)
		return ctl_usage("logs",
			"--since %s: accepted is a duration (30min), or a time in UTC "
			"(2026-01-02T03:04:05Z)",
			text);
	/* journalctl knows T and Z from systemd 254 on only. */
	when_utc(when, utc);
	line_add(line, "%.10s %.8s UTC", utc, utc + strlen("2026-01-02T"));
	return EXIT_SUCCESS;
}

static int add_match(struct line *matches, const char *field, const char *text)
{
	if (!text[0])
		return ctl_usage("logs", "%s: an empty word matches nothing", field);
	line_add(matches, "%s=%s", field, text);
	return EXIT_SUCCESS;
}

static int add_outcome(struct line *matches, const char *text)
{
	_cleanup_strbuf_ struct strbuf names = STRBUF_INIT;

	for (enum job_outcome outcome = 0; outcome < JOB_N_OUTCOMES; outcome++) {
		const char *name = job_outcome_name(outcome);
		if (strcmp(text, name) == 0)
			return add_match(matches, "NEXUS_OUTCOME", text);
		strbuf_printf(&names, "%s%s", outcome > 0 ? ", " : "", name);
	}
	return ctl_usage("logs", "--outcome %s: accepted are %s", text, strbuf_str(&names));
}

/* Into line: everything but the matches, which journalctl wants last and may have in any order. */
static int read_arguments(const struct ctl *ctl, int argc, char **argv, struct line *line,
	struct line *matches, bool *ret_dry_run)
{
	static const struct option options[] = {
		{"follow", no_argument, NULL, 'f'},
		{"since", required_argument, NULL, 's'},
		{"type", required_argument, NULL, 't'},
		{"outcome", required_argument, NULL, 'o'},
		{"unit", required_argument, NULL, 'u'},
		{"dry-run", no_argument, NULL, 'n'},
		{0},
	};
	struct unit usual;
	const char *unit = usual.name, *since = NULL;
	bool follow = false;
	int c, status = EXIT_SUCCESS;

	unit_of(ctl->config, &usual);
	optind = 0;
	while ((c = getopt_long(argc, argv, "f", options, NULL)) >= 0) {
		switch (c) {
		case 'f':
			follow = true;
			break;
		case 's':
			since = optarg;
			break;
		case 't':
			status = add_match(matches, "NEXUS_JOB_TYPE", optarg);
			break;
		case 'o':
			status = add_outcome(matches, optarg);
			break;
		case 'u':
			unit = optarg;
			break;
		case 'n':
			*ret_dry_run = true;
			break;
		default:
			return ctl_usage("logs", NULL);
		}
		if (status != EXIT_SUCCESS)
			return status;
	}
	for (; optind < argc && status == EXIT_SUCCESS; optind++)
		status = add_match(matches, "NEXUS_JOB_ID", argv[optind]);
	if (status != EXIT_SUCCESS)
		return status;
	line_add(line, JOURNALCTL);
	line_add(line, "-u");
	line_add(line, "%s", unit);
	if (follow)
		line_add(line, "-f");
	return since ? add_since(line, since) : EXIT_SUCCESS;
}

int ctl_logs(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(line_done) struct line line = {0}, matches = {0};
	bool dry_run = false;

	int status = read_arguments(ctl, argc, argv, &line, &matches, &dry_run);
	if (status != EXIT_SUCCESS)
		return status;
	if (ctl->json) {
		line_add(&line, "-o");
		line_add(&line, "json");
	}
	for (size_t i = 0; i < matches.n_words; i++)
		line_add(&line, "%s", matches.words[i]);
	if (!line.words || line.failed || matches.failed)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	return dry_run ? line_print(&line) : line_run(&line);
}
