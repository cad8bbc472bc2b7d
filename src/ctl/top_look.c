#include <stdio.h>
#include <string.h>

#include "aws/queue_url.h"
#include "ctl/attributes.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/database.h"
#include "ctl/top.h"

/* ---- The queue ---- */

struct queue_look {
	struct client *client;
	char *dead_letters; /* the URL; NULL: none, or not known */
};

static struct queue_look *queue_look_open(const struct settings *settings)
{
	struct client *client = NULL;

	if (client_open(settings, &client) != EXIT_SUCCESS)
		return NULL;
	struct queue_look *look = calloc(1, sizeof *look);
	if (!look) {
		client_close(client);
		ctl_fail(EXIT_FAILURE, "out of memory");
		return NULL;
	}
	look->client = client;
	return look;
}

/* Null where there is no dead letter queue, and where we may not look into it. */
static json_t *queue_look_dead(struct queue_look *look, const char *url)
{
	json_auto_t *attributes = NULL;

	if (!look->dead_letters)
		client_dead_letters(look->client, url, &look->dead_letters);
	if (!look->dead_letters ||
		client_attributes(look->client, look->dead_letters, &attributes) != SQS_OK)
		return json_null();
	return json_integer((json_int_t)attributes_messages(attributes));
}

static json_t *pack_number(const json_t *attributes, const char *name)
{
	return json_integer((json_int_t)attributes_number(attributes, name));
}

json_t *top_look_queue(const struct settings *settings, usec_t interval, void **what)
{
	const char *url = settings->queue.url;
	json_auto_t *attributes = NULL;

	(void)interval;
	if (!*what)
		*what = queue_look_open(settings);
	struct queue_look *look = *what;
	if (!look)
		return NULL;
	if (client_attributes(look->client, url, &attributes) != SQS_OK) {
		ctl_fail(EXIT_FAILURE, "%s", client_error(look->client));
		return NULL;
	}
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", queue_url_name(url), "visible",
		pack_number(attributes, "ApproximateNumberOfMessages"), "in_flight",
		pack_number(attributes, "ApproximateNumberOfMessagesNotVisible"), "delayed",
		pack_number(attributes, "ApproximateNumberOfMessagesDelayed"), "dead",
		queue_look_dead(look, url));
}

/* ---- The rows ---- */

#define NOW         "now() AT TIME ZONE 'UTC'"
#define AGE(column) "floor(extract(epoch FROM " NOW " - " column "))"
/* The index (status, created_at) read backwards. */
#define NEWEST(status, limit)                                                                      \
	"SELECT status, id, type, error, updated_at FROM background_jobs WHERE status = '" status  \
	"' AND created_at > " NOW " - interval '1 hour' ORDER BY created_at DESC LIMIT " limit
#define TEXT(x)   #x
#define NUMBER(x) TEXT(x)

static const char running_sql[] = "SELECT left(id, 256), left(type, 64), attempts, " AGE(
	"started_at") ", count(*) OVER () FROM background_jobs WHERE status = 'processing'"
		      " ORDER BY started_at NULLS FIRST, id LIMIT " NUMBER(TOP_JOBS_MAX);

static const char ended_sql[] =
	"SELECT status, count(*) FILTER (WHERE updated_at > " NOW
	" - make_interval(secs => $1::float8)),"
	" count(*) FILTER (WHERE updated_at > " NOW " - interval '1 minute'), count(*)"
	" FROM ((" NEWEST("completed", NUMBER(TOP_ENDED_MAX)) ") UNION ALL (" NEWEST(
		"failed", NUMBER(TOP_ENDED_MAX)) ")) newest GROUP BY status";

static const char errors_sql[] = "SELECT left(id, 256), left(type, 64), left(error, 300), " AGE(
	"updated_at") " FROM (" NEWEST("failed",
	"1000") ") newest ORDER BY updated_at DESC, id LIMIT " NUMBER(TOP_ERRORS_MAX);

static json_int_t number_at(const PGresult *result, int i, int column)
{
	return strtoll(PQgetvalue(result, i, column), NULL, 10);
}

static bool rows_look_running(struct database *database, json_t *into)
{
	_cleanup_result_ PGresult *result = database_query(database, running_sql, NULL, 0);

	if (!result)
		return false;
	json_t *jobs = json_array();
	int n = PQntuples(result);
	for (int i = 0; i < n; i++)
		json_array_append_new(jobs,
			json_pack("{s:s, s:s, s:I, s:I}", "id", PQgetvalue(result, i, 0), "type",
				PQgetvalue(result, i, 1), "attempts", number_at(result, i, 2),
				"age_seconds", number_at(result, i, 3)));
	json_object_set_new(into, "processing", json_integer(n > 0 ? number_at(result, 0, 4) : 0));
	json_object_set_new(into, "jobs", jobs);
	return true;
}

static json_t *pack_ended(const PGresult *result, int i)
{
	return i < 0 ? json_pack("{s:i, s:i, s:i}", "interval", 0, "minute", 0, "hour", 0)
		     : json_pack("{s:I, s:I, s:I}", "interval", number_at(result, i, 1), "minute",
			       number_at(result, i, 2), "hour", number_at(result, i, 3));
}

static bool rows_look_ended(struct database *database, usec_t interval, json_t *into)
{
	double seconds = (double)interval / (double)USEC_PER_SEC;
	int completed = -1, failed = -1;
	json_int_t ended = 0;
	char parameter[32];

	snprintf(parameter, sizeof parameter, "%f", seconds);
	_cleanup_result_ PGresult *result =
		database_query(database, ended_sql, (const char *const[]){parameter}, 1);
	if (!result)
		return false;
	for (int i = 0; i < PQntuples(result); i++) {
		*(strcmp(PQgetvalue(result, i, 0), "failed") == 0 ? &failed : &completed) = i;
		ended += number_at(result, i, 1);
	}
	json_object_set_new(into, "rate", json_real((double)ended / seconds));
	json_object_set_new(into, "completed", pack_ended(result, completed));
	json_object_set_new(into, "failed", pack_ended(result, failed));
	return true;
}

static bool rows_look_errors(struct database *database, json_t *into)
{
	_cleanup_result_ PGresult *result = database_query(database, errors_sql, NULL, 0);

	if (!result)
		return false;
	json_t *errors = json_array();
	for (int i = 0; i < PQntuples(result); i++)
		json_array_append_new(errors,
			json_pack("{s:s, s:s, s:s, s:I}", "id", PQgetvalue(result, i, 0), "type",
				PQgetvalue(result, i, 1), "error", PQgetvalue(result, i, 2),
				"age_seconds", number_at(result, i, 3)));
	json_object_set_new(into, "errors", errors);
	return true;
}

json_t *top_look_rows(const struct settings *settings, usec_t interval, void **what)
{
	json_auto_t *seen = json_object();
	struct database *database = *what;

	if (!database && database_open(settings, &database) != EXIT_SUCCESS)
		return NULL;
	*what = database;
	if (rows_look_running(database, seen) && rows_look_ended(database, interval, seen) &&
		rows_look_errors(database, seen))
		return json_incref(seen);
	/* Whatever it was, the next look finds out anew whether it still is. */
	*what = database_close(database);
	return NULL;
}
