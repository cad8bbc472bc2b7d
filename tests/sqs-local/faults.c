#include "faults.h"

#include "must.h"

static const char *const fault_names[] = {
	[FAULT_STATUS] = "status",
	[FAULT_RAW] = "raw",
	[FAULT_DELAY] = "delay",
	[FAULT_LATE] = "late",
	[FAULT_CUT_BEFORE] = "cut-before",
	[FAULT_CUT_AFTER] = "cut-after",
};

static enum fault_kind faults_kind(const char *name)
{
	for (enum fault_kind kind = FAULT_STATUS; name && kind <= FAULT_CUT_AFTER; kind++) {
		if (strcmp(fault_names[kind], name) == 0)
			return kind;
	}
	return FAULT_NONE;
}

const char *faults_add(struct fault_list *faults, const json_t *terms)
{
	const char *kind = NULL, *action = "*";
	const char *code = NULL, *message = NULL, *query_error = NULL, *type = NULL, *body = NULL;
	json_int_t after = 0, count = 1, status = 200, ms = 0;

	/* F: a member that is not known is a mistake. */
	if (json_unpack((json_t *)terms,
		    "{s:s, s?s, s?I, s?I, s?I, s?I, s?s, s?s, s?s, s?s, s?s !}", "kind", &kind,
		    "action", &action, "after", &after, "count", &count, "status", &status, "ms",
		    &ms, "code", &code, "message", &message, "query_error", &query_error,
		    "content_type", &type, "body", &body) < 0)
		return "a fault is an object with kind, action, after, count, status, ms, code, "
		       "message, query_error, content_type, body";
	if (faults_kind(kind) == FAULT_NONE)
		return "kind is one of status, raw, delay, late, cut-before, cut-after";
	if (after < 0 || count < 0 || ms < 0 || status < 100 || status > 999)
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
