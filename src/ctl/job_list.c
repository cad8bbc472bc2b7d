#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/job.h"
#include "ctl/listing.h"
#include "ctl/when.h"

#define LIMIT_USUAL 50
#define LIMIT_MAX   1000000

struct list {
	const char *status; /* NULL: any */
	const char *type;   /* NULL: any */
	const char *since;  /* NULL: any; else UTC */
	unsigned long limit;
	char since_text[WHEN_MAX];
};

/*
 * The index on (status, created_at) gives each status by age, so that no more rows are read than
 * are shown, however many there are.
 */
static PGresult *list_ask(struct database *database, const struct list *list)
{
	_cleanup_strbuf_ struct strbuf sql = STRBUF_INIT;
	char limit[24];

	snprintf(limit, sizeof limit, "%lu", list->limit);
	strbuf_printf(&sql,
		"SELECT %s FROM unnest(enum_range(NULL::job_status)) AS one, LATERAL"
		" (SELECT * FROM background_jobs AS j WHERE j.status = one"
		" AND ($2::text IS NULL OR j.type = $2)"
		" AND ($3::timestamp IS NULL OR j.created_at >= $3::timestamp)"
		" ORDER BY j.created_at DESC LIMIT $4::bigint) AS jobs"
		" WHERE $1::job_status IS NULL OR one = $1::job_status"
		" ORDER BY created_at DESC, id LIMIT $4::bigint",
		row_columns);
	return database_query(database, strbuf_str(&sql),
		(const char *const[]){list->status, list->type, list->since, limit}, 4);
}

/* By this machine's clock, which is good enough to look at. */
static const char *list_age(const struct row *row, char buffer[WHEN_MAX])
{
	usec_t made;

	if (!row->created_at || when_parse_utc(row->created_at, &made) < 0)
		return NULL;
	return when_age(usec_sub(clock_realtime(), made), buffer);
}

static int list_show(const struct ctl *ctl, const PGresult *result)
{
	static const struct listing_column columns[] = {
		{.title = "job"},
		{.title = "type", .elastic = true},
		{.title = "age", .right = true},
		{.title = "row"},
		{.title = "error", .elastic = true},
	};
	_cleanup_(listing_freep) struct listing *listing =
		listing_new(ctl, columns, sizeof columns / sizeof columns[0]);

	if (!listing)
		return EXIT_FAILURE;
	for (int i = 0; i < PQntuples(result); i++) {
		char age[WHEN_MAX], state[ROW_STATE_MAX];
		struct row row;
		row_read(result, i, &row);
		const char *const cells[] = {
			row.id, row.type, list_age(&row, age), row_state(&row, state), row.error};
		listing_add(listing, cells, row_json(&row));
	}
	return listing_end(listing, "no such jobs");
}

/* ---- The command line ---- */

static int list_read_status(struct list *list, const char *text)
{
	static const char *const statuses[] = {"pending", "processing", "completed", "failed"};

	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
		if (strcmp(text, statuses[i]) == 0)
			list->status = text;
	return list->status ? EXIT_SUCCESS
			    : ctl_usage("job",
				      "--status %s: accepted are pending, processing, completed, "
				      "failed",
				      text);
}

static int list_read_since(struct list *list, const char *text)
{
	usec_t when;

	if (when_parse_duration(text, &when) == 0)
		when = usec_sub(clock_realtime(), when);
	else if (when_parse_utc(text, &when) < 0)
		return ctl_usage("job",
			"--since %s: accepted is a duration (30min), or a time in UTC "
			"(2026-01-02T03:04:05Z)",
			text);
	list->since = when_utc(when, list->since_text);
	return EXIT_SUCCESS;
}

static int list_parse(struct list *list, int argc, char **argv)
{
	static const struct option options[] = {
		{"status", required_argument, NULL, 's'},
		{"type", required_argument, NULL, 't'},
		{"since", required_argument, NULL, 'f'},
		{"limit", required_argument, NULL, 'l'},
		{0},
	};
	int c, status = EXIT_SUCCESS;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 's':
			status = list_read_status(list, optarg);
			break;
		case 't':
			list->type = optarg;
			break;
		case 'f':
			status = list_read_since(list, optarg);
			break;
		case 'l':
			status = ctl_read_number("job", "--limit", optarg, LIMIT_MAX, &list->limit);
			break;
		default:
			return ctl_usage("job", NULL);
		}
		if (status != EXIT_SUCCESS)
			return status;
	}
	return optind < argc ? ctl_usage("job", "list %s: see the options", argv[optind])
			     : EXIT_SUCCESS;
}

int job_list(const struct ctl *ctl, int argc, char **argv)
{
	struct list list = {.limit = LIMIT_USUAL};
	_cleanup_(desk_close) struct desk desk = {0};

	int status = list_parse(&list, argc, argv);
	if (status == EXIT_SUCCESS)
		status = desk_open(&desk, ctl, DESK_DATABASE);
	if (status != EXIT_SUCCESS)
		return status;
	_cleanup_result_ PGresult *result = list_ask(desk.database, &list);
	return result ? list_show(ctl, result) : EXIT_FAILURE;
}
