#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/cell.h"
#include "ctl/listing.h"
#include "ctl/top.h"
#include "ctl/when.h"

#define TYPE_WIDTH_MAX 30
/* The jobs give way to the errors, but not all of them. */
#define JOBS_LEAST 3

static json_int_t number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "-";
}

static const char *age_of(const json_t *object, char buffer[WHEN_MAX])
{
	json_int_t age = number_of(object, "age_seconds");

	return when_age(age > 0 ? (usec_t)age * USEC_PER_SEC : 0, buffer);
}

/* Whether there is nothing but one line to show of it, which then is shown. */
static bool put_missing(struct screen *screen, const char *title, const json_t *part)
{
	const char *error = json_string_value(json_object_get(part, "error"));

	if (error)
		screen_put(screen, SCREEN_BAD, "%-10s %s", title, error);
	else if (!json_is_object(part))
		screen_put(screen, SCREEN_PLAIN, "%-10s is being asked", title);
	return error || !json_is_object(part);
}

/* ---- The numbers ---- */

static void put_queue(struct screen *screen, const json_t *queue)
{
	const json_t *dead = json_object_get(queue, "dead");
	char count[32] = "not to be seen";

	if (put_missing(screen, "queue", queue))
		return;
	if (json_is_integer(dead))
		snprintf(count, sizeof count, "%" JSON_INTEGER_FORMAT, json_integer_value(dead));
	screen_put(screen, SCREEN_PLAIN,
		"%-10s visible %" JSON_INTEGER_FORMAT ", in flight %" JSON_INTEGER_FORMAT
		", delayed %" JSON_INTEGER_FORMAT ", dead %s",
		"queue", number_of(queue, "visible"), number_of(queue, "in_flight"),
		number_of(queue, "delayed"), count);
}

static void put_ended(
	struct screen *screen, const char *title, const json_t *counts, usec_t interval)
{
	json_int_t hour = number_of(counts, "hour");
	char duration[CLOCK_DURATION_MAX];

	screen_put(screen, SCREEN_PLAIN,
		"%-10s %" JSON_INTEGER_FORMAT " in %s, %" JSON_INTEGER_FORMAT
		" in 1min, %" JSON_INTEGER_FORMAT "%s in 1h",
		title, number_of(counts, "interval"), clock_format_duration(interval, duration),
		number_of(counts, "minute"), hour, hour >= TOP_ENDED_MAX ? " or more" : "");
}

static void put_rows(struct screen *screen, const json_t *rows, usec_t interval)
{
	if (put_missing(screen, "rows", rows))
		return;
	screen_put(screen, SCREEN_PLAIN, "%-10s %.1f/s", "rate",
		json_real_value(json_object_get(rows, "rate")));
	put_ended(screen, "completed", json_object_get(rows, "completed"), interval);
	put_ended(screen, "failed", json_object_get(rows, "failed"), interval);
	screen_put(screen, SCREEN_PLAIN, "%-10s %" JSON_INTEGER_FORMAT " in use", "slots",
		number_of(rows, "processing"));
}

/* ---- The jobs ---- */

/* As wide as the widest of the first n; the jobs' ids begin below each other. */
static unsigned types_width(const json_t *jobs, size_t n)
{
	unsigned widest = strlen("TYPE");

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *type = cell_new(text_of(json_array_get(jobs, i), "type"));
		unsigned width = type ? cell_width(type) : 0;
		widest = width > widest ? width : widest;
	}
	return widest < TYPE_WIDTH_MAX ? widest : TYPE_WIDTH_MAX;
}

static void put_job(struct screen *screen, const json_t *job, unsigned type_width)
{
	_cleanup_free_ char *type = cell_new(text_of(job, "type"));
	char age[WHEN_MAX];
	unsigned width;

	if (!type)
		return;
	type[cell_cut(type, type_width, &width)] = '\0';
	screen_put(screen, SCREEN_PLAIN, "%6s %4" JSON_INTEGER_FORMAT "  %s%*s  %s",
		age_of(job, age), number_of(job, "attempts"), type, (int)(type_width - width), "",
		text_of(job, "id"));
}

/* In at most so many lines. */
static void put_jobs(struct screen *screen, const json_t *rows, unsigned room)
{
	const json_t *jobs = json_object_get(rows, "jobs");
	size_t n = json_array_size(jobs), shown = n;
	json_int_t all = number_of(rows, "processing");

	if (n == 0 || room < JOBS_LEAST)
		return;
	/* A blank line, the titles, and where they are not all of them a line that says so. */
	if (shown > room - 2)
		shown = room - 2;
	if ((json_int_t)shown < all && shown > room - JOBS_LEAST)
		shown = room - JOBS_LEAST;
	unsigned width = types_width(jobs, shown);
	screen_put(screen, SCREEN_PLAIN, "%s", "");
	screen_put(screen, SCREEN_TITLE, "   AGE  TRY  %-*s  JOB", (int)width, "TYPE");
	for (size_t i = 0; i < shown; i++)
		put_job(screen, json_array_get(jobs, i), width);
	if ((json_int_t)shown < all)
		screen_put(screen, SCREEN_PLAIN, "        and %" JSON_INTEGER_FORMAT " more",
			all - (json_int_t)shown);
}

/* ---- The errors ---- */

static unsigned errors_lines(const json_t *errors)
{
	size_t n = json_array_size(errors);

	return n > 0 ? 2 + 2 * (unsigned)n : 0;
}

static void put_errors(struct screen *screen, const json_t *errors)
{
	const json_t *error;
	char age[WHEN_MAX];
	size_t i;

	if (json_array_size(errors) == 0)
		return;
	screen_put(screen, SCREEN_PLAIN, "%s", "");
	screen_put(screen, SCREEN_TITLE, "LAST ERRORS");
	json_array_foreach (errors, i, error) {
		screen_put(screen, SCREEN_PLAIN, "%6s ago  %s  %s", age_of(error, age),
			text_of(error, "type"), text_of(error, "id"));
		screen_put(screen, SCREEN_BAD, "            %s", text_of(error, "error"));
	}
}

void top_put(struct screen *screen, const json_t *seen, const char *queue_name, usec_t interval)
{
	const json_t *rows = json_object_get(seen, "rows");
	const json_t *errors = json_object_get(rows, "errors");
	char duration[CLOCK_DURATION_MAX];

	screen_put(screen, SCREEN_TITLE, "%s  %s  every %s", queue_name, text_of(seen, "at"),
		clock_format_duration(interval, duration));
	put_queue(screen, json_object_get(seen, "queue"));
	put_rows(screen, rows, interval);
	unsigned room = screen_room(screen), wanted = errors_lines(errors);
	unsigned least = room < JOBS_LEAST + 2 ? room : JOBS_LEAST + 2;
	put_jobs(screen, rows, room - (wanted < room - least ? wanted : room - least));
	put_errors(screen, errors);
}

/* ---- Lines ---- */

static const struct {
	const char *title, *part, *name, *in;
} columns[] = {
	{"VISIBLE", "queue", "visible", NULL},
	{"FLIGHT", "queue", "in_flight", NULL},
	{"DELAYED", "queue", "delayed", NULL},
	{"DEAD", "queue", "dead", NULL},
	{"SLOTS", "rows", "processing", NULL},
	{"COMPLETED", "rows", "completed", "interval"},
	{"FAILED", "rows", "failed", "interval"},
};

#define N_COLUMNS (sizeof columns / sizeof columns[0])

void top_print_titles(void)
{
	fputs("TIME          RATE", stdout);
	for (size_t i = 0; i < N_COLUMNS; i++)
		printf(" %8s", columns[i].title);
	putchar('\n');
}

void top_print_line(const json_t *seen)
{
	const json_t *rate = json_object_get(json_object_get(seen, "rows"), "rate");

	/* Of "2026-01-02T03:04:05Z" the time of day. */
	printf("%.9s", text_of(seen, "at") + strlen("2026-01-02T"));
	if (rate)
		printf(" %6.1f/s", json_real_value(rate));
	else
		printf(" %8s", "-");
	for (size_t i = 0; i < N_COLUMNS; i++) {
		const json_t *number =
			json_object_get(json_object_get(seen, columns[i].part), columns[i].name);
		if (columns[i].in)
			number = json_object_get(number, columns[i].in);
		if (json_is_integer(number))
			printf(" %8" JSON_INTEGER_FORMAT, json_integer_value(number));
		else
			printf(" %8s", "-");
	}
	putchar('\n');
}
