#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "aws/queue_url.h"
#include "ctl/ctl.h"
#include "ctl/listing.h"
#include "ctl/top.h"
#include "ctl/when.h"

const char ctl_top_help[] =
	"Usage: nexusctl top [--interval DURATION] [--once]\n"
	"\n"
	"Shows what the daemons are doing: the queue's depth, rows in work, how jobs\n"
	"ended, and the last errors. A terminal is filled again and again until q or\n"
	"Ctrl-C; elsewhere it is one line each time. What cannot be asked is said in its\n"
	"place.\n"
	"\n"
	"  --interval DURATION  how often it looks, from 100ms to 1h (2s)\n"
	"  --once               show everything once, and exit\n"
	"\n"
	"A slot in use is a row in status processing, whichever daemon has it; those that\n"
	"began first are shown. Ends and errors are those of the rows that were created\n"
	"in the last hour, the newest 20000 of each status: so a look costs the same\n"
	"however large the table is. A dead letter queue that may not be looked into is\n"
	"not counted.\n"
	"\n"
	"With --json it is an object each time: at, interval_seconds, queue, rows.\n"
	"  queue  name, visible, in_flight, delayed, dead (null: not to be seen)\n"
	"  rows   processing; jobs, at most 100: id, type, attempts, age_seconds since it\n"
	"         began; rate, ends in a second; completed and failed: interval, minute,\n"
	"         hour; errors, the last 5: id, type, error (its first 300 characters),\n"
	"         age_seconds\n"
	"  either instead, where there is nothing to be seen: error, why\n"
	"\n"
	"Examples: nexusctl top\n"
	"          nexusctl top --interval 10s | tee -a numbers\n"
	"          nexusctl top --once --json | jq .rows.rate\n"
	"\n"
	"Exit status: 0 ended by q or a signal, or --once saw everything, 1 failed,\n"
	"64 usage, 78 configuration.\n";

#define INTERVAL_USUAL (2 * USEC_PER_SEC)
#define INTERVAL_MIN   (100 * USEC_PER_MSEC)
#define INTERVAL_MAX   USEC_PER_HOUR
/* Beyond its interval a source that is well answers within so much. */
#define ANSWER_PATIENCE (3 * USEC_PER_SEC)

enum {
	QUEUE,
	ROWS,
	N_SOURCES
};

static const char *const source_names[N_SOURCES] = {[QUEUE] = "queue", [ROWS] = "rows"};

struct top {
	const struct ctl *ctl;
	const struct settings *settings;
	usec_t interval;
	bool once;
	bool live; /* a terminal is filled */

	struct source sources[N_SOURCES];
	struct screen *screen;
	int signals;                 /* a signalfd */
	bool has_keys;               /* stdin is still open */
	bool is_over;                /* as somebody wants it */
	usec_t next_at;              /* CLOCK_MONOTONIC: when to show something in any case */
	bool has_printed;            /* a line */
	char *complaints[N_SOURCES]; /* owned: what was said last of each on stderr */
};

/* ---- What is shown ---- */

/* With nothing to show yet of a source it is null there. */
static json_t *top_seen(const struct top *top)
{
	json_t *seen = json_object();
	char utc[WHEN_MAX];

	json_object_set_new(seen, "at", json_string(when_utc(clock_realtime(), utc)));
	json_object_set_new(
		seen, "interval_seconds", json_real((double)top->interval / (double)USEC_PER_SEC));
	for (size_t i = 0; i < N_SOURCES; i++) {
		json_t *part = source_json(&top->sources[i], 2 * top->interval + ANSWER_PATIENCE);
		json_object_set_new(seen, source_names[i], part ? part : json_null());
	}
	return seen;
}

/* What cannot be seen, for people, once for each reason. Whether that is anything. */
static bool top_complain(struct top *top, const json_t *seen)
{
	bool any = false;

	for (size_t i = 0; i < N_SOURCES; i++) {
		const json_t *part = json_object_get(seen, source_names[i]);
		const char *error = json_string_value(json_object_get(part, "error"));
		char *before = top->complaints[i];
		any |= error != NULL;
		if (error && !top->ctl->json && (!before || strcmp(before, error) != 0))
			ctl_fail(EXIT_FAILURE, "%s", error);
		top->complaints[i] = error ? strdup(error) : NULL;
		free(before);
	}
	return any;
}

static int top_flush(void)
{
	return fflush(stdout) == 0 ? EXIT_SUCCESS : ctl_fail(EXIT_FAILURE, "standard output: %m");
}

static int top_draw(struct top *top, const json_t *seen)
{
	top_put(top->screen, seen, queue_url_name(top->settings->queue.url), top->interval);
	int r = screen_show(top->screen);
	return r == 0 ? EXIT_SUCCESS : ctl_fail(EXIT_FAILURE, "standard output: %s", strerror(-r));
}

static int top_print(struct top *top, json_t *seen)
{
	if (top->ctl->json)
		listing_put_json(json_incref(seen));
	else if (top->once)
		return top_draw(top, seen);
	else {
		if (!top->has_printed)
			top_print_titles();
		top->has_printed = true;
		top_print_line(seen);
	}
	return top_flush();
}

/* Lines are for what is known: the first waits until both sources have said something. */
static int top_show(struct top *top, bool has_news)
{
	json_auto_t *seen = top_seen(top);
	usec_t now = clock_monotonic();
	bool is_known = true, is_due = now >= top->next_at;

	for (size_t i = 0; i < N_SOURCES; i++)
		is_known &= top->sources[i].heard_at > 0;
	if (is_due && (is_known || top->live))
		top->next_at = now + top->interval;
	if (top->live)
		return is_due || has_news ? top_draw(top, seen) : EXIT_SUCCESS;
	if (!is_due || !is_known)
		return EXIT_SUCCESS;
	int status = top_print(top, seen);
	bool is_partial = top_complain(top, seen);
	if (!top->once || status != EXIT_SUCCESS)
		return status;
	top->is_over = true;
	return is_partial ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- What happens ---- */

static void top_stand_still(struct top *top)
{
	screen_leave(top->screen);
	raise(SIGSTOP);
}

/* Whether what is shown has to be shown anew. */
static bool top_take_signals(struct top *top)
{
	struct signalfd_siginfo one;
	bool has_news = false;

	while (read(top->signals, &one, sizeof one) == sizeof one) {
		switch (one.ssi_signo) {
		case SIGWINCH:
			screen_measure(top->screen);
			break;
		case SIGTSTP:
			top_stand_still(top);
			break;
		case SIGCONT:
			screen_enter(top->screen);
			break;
		default:
			top->is_over = true;
		}
		has_news = true;
	}
	return has_news;
}

static void top_take_key(struct top *top)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n == 1 && (key == 'q' || key == 'Q'))
		top->is_over = true;
	else if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		top->has_keys = false;
}

/* Its end is a failure of this program, not of what it looks at. */
static int top_read(struct top *top, size_t i)
{
	int r = source_read(&top->sources[i]);

	if (r == 0)
		return EXIT_SUCCESS;
	screen_leave(top->screen);
	return ctl_fail(EXIT_FAILURE, "who looks at the %s has ended: %s", source_names[i],
		r == -EPIPE ? "its process is gone" : strerror(-r));
}

static int top_wait(struct top *top, struct pollfd polled[N_SOURCES + 2])
{
	usec_t left = usec_sub(top->next_at, clock_monotonic());

	polled[N_SOURCES] = (struct pollfd){.fd = top->signals, .events = POLLIN};
	polled[N_SOURCES + 1] =
		(struct pollfd){.fd = top->has_keys ? STDIN_FILENO : -1, .events = POLLIN};
	for (size_t i = 0; i < N_SOURCES; i++)
		polled[i] = (struct pollfd){.fd = top->sources[i].fd, .events = POLLIN};
	/* Rounded up; and what is overdue waits for an answer, not for the clock. */
	int timeout = left > 0 ? (int)((left + USEC_PER_MSEC - 1) / USEC_PER_MSEC) : -1;
	if (poll(polled, N_SOURCES + 2, timeout) >= 0 || errno == EINTR)
		return EXIT_SUCCESS;
	return ctl_fail(EXIT_FAILURE, "poll: %m");
}

static int top_run(struct top *top)
{
	struct pollfd polled[N_SOURCES + 2];
	int status = top_show(top, false);

	while (status == EXIT_SUCCESS && !top->is_over) {
		bool has_news = false;
		status = top_wait(top, polled);
		for (size_t i = 0; i < N_SOURCES && status == EXIT_SUCCESS; i++)
			if (polled[i].revents) {
				status = top_read(top, i);
				has_news = true;
			}
		if (polled[N_SOURCES].revents)
			has_news |= top_take_signals(top);
		if (polled[N_SOURCES + 1].revents)
			top_take_key(top);
		if (status == EXIT_SUCCESS && !top->is_over)
			status = top_show(top, has_news);
	}
	return status;
}

/* ---- Its life ---- */

/* The sources first: they keep the signals as they are. */
static int top_start(struct top *top)
{
	source_look_fn *const looks[N_SOURCES] = {[QUEUE] = top_look_queue, [ROWS] = top_look_rows};
	sigset_t signals;

	for (size_t i = 0; i < N_SOURCES; i++) {
		int r = source_start(&top->sources[i], looks[i], top->settings, top->interval);
		if (r < 0)
			return ctl_fail(
				EXIT_FAILURE, "a process cannot be started: %s", strerror(-r));
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGQUIT);
	if (top->live) {
		sigaddset(&signals, SIGWINCH);
		sigaddset(&signals, SIGTSTP);
		sigaddset(&signals, SIGCONT);
	}
	sigprocmask(SIG_BLOCK, &signals, NULL);
	top->signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (top->signals < 0)
		return ctl_fail(EXIT_FAILURE, "signalfd: %m");
	top->screen = screen_new(top->live);
	return top->screen ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void top_done(struct top *top)
{
	screen_free(top->screen);
	if (top->signals >= 0)
		close(top->signals);
	for (size_t i = 0; i < N_SOURCES; i++) {
		source_stop(&top->sources[i]);
		free(top->complaints[i]);
	}
}

static int read_arguments(struct top *top, int argc, char **argv)
{
	static const struct option options[] = {
		{"interval", required_argument, NULL, 'i'},
		{"once", no_argument, NULL, 'o'},
		{0},
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'i':
			if (when_parse_duration(optarg, &top->interval) < 0 ||
				top->interval < INTERVAL_MIN || top->interval > INTERVAL_MAX)
				return ctl_usage("top",
					"--interval %s: accepted is a duration from 100ms to 1h",
					optarg);
			break;
		case 'o':
			top->once = true;
			break;
		default:
			return ctl_usage("top", NULL);
		}
	}
	if (optind < argc)
		return ctl_usage(
			"top", "%s: it shows everything, and takes no names", argv[optind]);
	return EXIT_SUCCESS;
}

int ctl_top(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(top_done) struct top top = {
		.ctl = ctl, .interval = INTERVAL_USUAL, .signals = -1};

	int status = read_arguments(&top, argc, argv);
	if (status != EXIT_SUCCESS)
		return status;
	_cleanup_(settings_freep) struct settings *settings = ctl_settings(ctl, &status);
	if (!settings)
		return status;
	top.settings = settings;
	top.live = !top.once && !ctl->json && isatty(STDOUT_FILENO);
	top.has_keys = top.live && isatty(STDIN_FILENO);
	status = top_start(&top);
	return status == EXIT_SUCCESS ? top_run(&top) : status;
}
