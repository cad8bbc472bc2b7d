#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "conf/keys.h"
#include "ctl/doctor.h"
#include "ctl/interrupt.h"
#include "ctl/listing.h"
#include "ctl/wrap.h"
#include "daemon/examine.h"

const char ctl_doctor_help[] =
	"Usage: nexusctl doctor\n"
	"\n"
	"Looks whether everything is right, and changes nothing; one line each:\n"
	"✓ good, ! works but could be better, ✗ wrong, with what mends it.\n"
	"\n"
	"  configuration  every mistake; programs, bundles and services of job types\n"
	"  AWS            credentials (which, until when), endpoint, clock, the queue\n"
	"  permissions    each is tried with a request that SQS refuses anyway: no\n"
	"                 message is received, sent, changed or deleted\n"
	"  queue          visibility against the jobs' times, redrive policy, the dead\n"
	"                 letter queue and how long it keeps messages\n"
	"  database       connection, TLS, pooler, the table with its columns, enum,\n"
	"                 keys and index, and what the role may do there\n"
	"  daemon         whether it runs here, and what it says of itself; for root\n"
	"                 also whether its user may read /etc/nexus-worker\n"
	"\n"
	"Credentials are looked for in the environment of this shell, then in\n"
	"/etc/nexus-worker/aws. The daemon's, where its unit has others, are those that\n"
	"sudo systemctl show nexus-worker -p Environment tells.\n"
	"\n"
	"With --json each line has check, result (ok, warning, failed), text and fix\n"
	"(null: none, or the text says it).\n"
	"\n"
	"Examples: nexusctl doctor\n"
	"          nexusctl --json doctor | jq -r 'select(.result == \"failed\") | .text'\n"
	"\n"
	"Exit status: 0 nothing is wrong (there may be warnings), 1 something is.\n";

#define TEXT_INDENT 2

/* ---- Telling ---- */

static const struct {
	const char *word;
	const char *mark;
	const char *ascii;
	const char *colour;
} verdicts[] = {
	[DOCTOR_GOOD] = {"ok", "✓", "+", "\x1b[32m"},
	[DOCTOR_WARNING] = {"warning", "!", "!", "\x1b[33m"},
	[DOCTOR_BAD] = {"failed", "✗", "x", "\x1b[31m"},
};

static void put_mark(const struct doctor *d, enum doctor_verdict verdict)
{
	const char *mark = d->utf8 ? verdicts[verdict].mark : verdicts[verdict].ascii;

	if (d->colours)
		printf("%s%s\x1b[0m", verdicts[verdict].colour, mark);
	else
		fputs(mark, stdout);
}

void doctor_say(struct doctor *d, enum doctor_verdict verdict, const char *check, const char *fix,
	const char *format, ...)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	va_list args;

	va_start(args, format);
	strbuf_vprintf(&text, format, args);
	va_end(args);
	d->found_bad |= verdict == DOCTOR_BAD;
	if (d->ctl->json) {
		listing_put_json(json_pack("{s:s, s:s, s:s, s:s?}", "check", check, "result",
			verdicts[verdict].word, "text", strbuf_str(&text), "fix", fix));
	} else {
		put_mark(d, verdict);
		wrap_behind(stdout, 1, TEXT_INDENT, " %s: %s%s%s", check, strbuf_str(&text),
			fix ? ". Fix: " : "", fix ? fix : "");
	}
	/* Some answers take a while: each line is there as soon as it is known. */
	fflush(stdout);
}

static void say_lines(struct doctor *d, enum doctor_verdict verdict, const char *check,
	const struct strbuf *lines)
{
	const char *line = strbuf_str(lines);

	while (*line) {
		int len = (int)strcspn(line, "\n");
		doctor_say(d, verdict, check, NULL, "%.*s", len, line);
		line += len + (line[len] == '\n');
	}
}

/* What the terminal can show is what the locale says, wherever that stands. */
static bool locale_is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = getenv(names[i]);
		if (value && value[0])
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

/* ---- The configuration ---- */

static void say_types(struct doctor *d, const struct settings *settings)
{
	_cleanup_strbuf_ struct strbuf types = STRBUF_INIT;

	for (size_t i = 0; i < settings->n_jobs; i++)
		strbuf_printf(&types, "%s%s (%s)", i > 0 ? ", " : "", settings->jobs[i].type,
			keys_kind_name(settings->jobs[i].kind));
	doctor_say(d, DOCTOR_GOOD, "job types", NULL, "%s", strbuf_str(&types));
}

/* Owned; NULL: nothing else can be looked at. */
static struct settings *look_at_settings(struct doctor *d)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT, warnings = STRBUF_INIT;
	_cleanup_(settings_freep) struct settings *settings = NULL;

	int r = ctl_load(d->ctl, &problems, &warnings, &settings);
	if (r < 0 && r != -EINVAL)
		strbuf_printf(&problems, "cannot be read: %s", strerror(-r));
	if (r == 0)
		examine_settings(settings, true, &problems);
	say_lines(d, DOCTOR_WARNING, "configuration", &warnings);
	say_lines(d, DOCTOR_BAD, "configuration", &problems);
	if (r < 0) {
		doctor_say(d, DOCTOR_WARNING, "all else", "mend the configuration first",
			"is not looked at");
		return NULL;
	}
	if (problems.len == 0) {
		doctor_say(d, DOCTOR_GOOD, "configuration", NULL, "has no mistakes");
		say_types(d, settings);
	}
	return TAKE_PTR(settings);
}

/* ---- The command ---- */

int ctl_doctor(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {{0}};
	static void (*const parts[])(struct doctor *, const struct settings *) = {
		doctor_look_at_aws, doctor_look_at_database, doctor_look_at_host};
	struct doctor d = {.ctl = ctl, .utf8 = locale_is_utf8(), .colours = listing_colours()};

	optind = 0;
	if (getopt_long(argc, argv, "", options, NULL) >= 0)
		return ctl_usage("doctor", NULL);
	if (optind < argc)
		return ctl_usage("doctor", "%s: it looks at everything", argv[optind]);
	interrupt_catch();
	_cleanup_(settings_freep) struct settings *settings = look_at_settings(&d);
	for (size_t i = 0; settings && i < sizeof parts / sizeof parts[0]; i++) {
		if (interrupted())
			return ctl_fail(EXIT_FAILURE, "interrupted: not everything was looked at");
		parts[i](&d, settings);
	}
	return d.found_bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
