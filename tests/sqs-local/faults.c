#include "faults.h"

#include "must.h"

#define FAULT_MS_MAX      (24 * 3600 * 1000)
#define FAULT_BYTES_MAX   ((json_int_t)1 << 40)
#define FAULT_SECONDS_MAX 1000000000

static const char *const fault_names[] = {
	[FAULT_STATUS] = "status",
	[FAULT_RAW] = "raw",
	[FAULT_DELAY] = "delay",
	[FAULT_LATE] = "late",
	[FAULT_CUT_BEFORE] = "cut-before",
	[FAULT_CUT_AFTER] = "cut-after",
	[FAULT_BLACK_HOLE] = "black-hole",
	[FAULT_TOO_LARGE] = "too-large",
	[FAULT_TRUNCATE] = "truncate",
	[FAULT_GARBLE] = "garble",
	[FAULT_DRIP] = "drip",
	[FAULT_DATE] = "date",
	[FAULT_TWICE] = "twice",
	[FAULT_DUPLICATE] = "duplicate",
	[FAULT_FAIL_ENTRIES] = "fail-entries",
};

static enum fault_kind faults_kind(const char *name)
{
	for (enum fault_kind kind = FAULT_STATUS; name && kind < FAULT_N_KINDS; kind++) {
		if (strcmp(fault_names[kind], name) == 0)
			return kind;
	}
	return FAULT_NONE;
}

const char *faults_add(struct fault_list *faults, const json_t *terms)
{
	const char *kind = NULL, *action = "*";
	const char *code, *message, *query_error, *type, *body;
	json_int_t after = 0, count = 1, status = 200, ms = 0, bytes = 1, entries = 1, seconds = 0;
	int chunked, sender_fault;

	/* !: a member that is not known is a mistake. */
	if (json_unpack((json_t *)terms,
		    "{s:s, s?s, s?I, s?I, s?I, s?I, s?I, s?I, s?I, s?b, s?b, s?s, s?s, s?s, s?s, "
		    "s?s !}",
		    "kind", &kind, "action", &action, "after", &after, "count", &count, "status",
		    &status, "ms", &ms, "bytes", &bytes, "entries", &entries, "seconds", &seconds,
		    "chunked", &chunked, "sender_fault", &sender_fault, "code", &code, "message",
		    &message, "query_error", &query_error, "content_type", &type, "body",
		    &body) < 0)
		return "a fault is an object with kind, action, after, count, status, ms, bytes, "
		       "entries, seconds, chunked, sender_fault, code, message, query_error, "
		       "content_type, body";
	if (faults_kind(kind) == FAULT_NONE)
		return "kind is one of status, raw, too-large, cut-before, black-hole, delay, "
		       "late, cut-after, truncate, garble, drip, date, twice, duplicate, "
		       "fail-entries";
	if (after < 0 || count < 0 || ms < 0 || ms > FAULT_MS_MAX || bytes < 1 ||
		bytes > FAULT_BYTES_MAX || entries < 1 || seconds < -FAULT_SECONDS_MAX ||
		seconds > FAULT_SECONDS_MAX || status < 100 || status > 999)
		return "a number is out of range";

	struct fault *fault = must_zalloc(sizeof *fault);
	fault->kind = faults_kind(kind);
	fault->delay = (usec_t)ms * USEC_PER_MSEC;
	fault->n_skip = after;
	fault->n_left = count;
	fault->terms = json_deep_copy(terms);
	json_object_set_new(fault->terms, "action", json_string(action));
	TAILQ_INSERT_TAIL(faults, fault, next);
	return NULL;
}

static void faults_remove(struct fault_list *faults, struct fault *fault)
{
	TAILQ_REMOVE(faults, fault, next);
	json_decref(fault->terms);
	free(fault);
}

void faults_clear(struct fault_list *faults)
{
	struct fault *fault;

	while ((fault = TAILQ_FIRST(faults)))
		faults_remove(faults, fault);
}

/* The whole name, or what stands before its colon. */
static bool faults_match(const struct fault *fault, const char *action)
{
	const char *mine = json_string_value(json_object_get(fault->terms, "action"));
	size_t len = strlen(mine);

	return strcmp(mine, "*") == 0 || strcmp(mine, action) == 0 ||
	       (strncmp(mine, action, len) == 0 && action[len] == ':');
}

struct fault_hit faults_take(struct fault_list *faults, const char *action)
{
	struct fault *fault;

	TAILQ_FOREACH(fault, faults, next)
	{
		if (!faults_match(fault, action))
			continue;
		if (fault->n_skip > 0) {
			fault->n_skip--;
			continue;
		}
		struct fault_hit hit = {fault->kind, fault->delay, json_incref(fault->terms)};
		if (fault->n_left > 0 && --fault->n_left == 0)
			faults_remove(faults, fault);
		return hit;
	}
	return (struct fault_hit){FAULT_NONE, 0, NULL};
}

const char *fault_text(const struct fault_hit *hit, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(hit->terms, name));

	return text ? text : otherwise;
}

json_int_t fault_number(const struct fault_hit *hit, const char *name, json_int_t otherwise)
{
	const json_t *number = json_object_get(hit->terms, name);

	return number ? json_integer_value(number) : otherwise;
}

json_t *faults_show(const struct fault_list *faults)
{
	json_t *all = json_array();
	const struct fault *fault;

	TAILQ_FOREACH(fault, faults, next)
	{
		json_t *one = json_copy(fault->terms);
		json_object_set_new(one, "after", json_integer(fault->n_skip));
		json_object_set_new(one, "count", json_integer(fault->n_left));
		json_array_append_new(all, one);
	}
	return all;
}
