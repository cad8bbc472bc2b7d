#include "handler/lambda_answer.h"

#include <stdio.h>
#include <string.h>

#include "base/json_read.h"

#define MEMBER "batchItemFailures"

/* As deep as the JSON of most languages goes. */
#define DEPTH_MAX 2048

/*
 * An answer is a stranger's, and read on the loop thread: no tree is built of it, which for a list
 * of nothing but brackets takes a hundred times its length.
 */
struct verdict {
	const char *message_id;
	const char *fault; /* NULL: none so far */
	bool has_id;
	bool is_ours; /* the id is the message's */
};

static bool not_as_lambda_takes_it(char text[LAMBDA_TEXT_MAX], const char *what)
{
	snprintf(text, LAMBDA_TEXT_MAX, "the handler's answer %s", what);
	return false;
}

typedef enum json_fault read_fn(struct json_scan *scan, struct verdict *v);

/* Passes a value of any kind; of an object the member of that name is read. */
static enum json_fault read_member(
	struct json_scan *scan, const char *wanted, read_fn *read, struct verdict *v)
{
	struct json_string name;
	bool more = false;

	if (json_scan_peek(scan) != '{')
		return json_scan_value(scan);
	enum json_fault fault = json_scan_enter(scan);
	while (fault == JSON_OK) {
		fault = json_scan_member(scan, &more, &name);
		if (fault != JSON_OK || !more)
			break;
		fault = json_string_is(&name, wanted) ? read(scan, v) : json_scan_value(scan);
	}
	return fault;
}

/* ---- One of batchItemFailures ---- */

static enum json_fault read_id(struct json_scan *scan, struct verdict *v)
{
	struct json_string string;
	char id[256];

	v->has_id = v->is_ours = false;
	if (json_scan_peek(scan) != '"')
		return json_scan_value(scan);
	enum json_fault fault = json_scan_string(scan, &string);
	if (fault != JSON_OK)
		return fault;
	int len = json_string_decode(&string, id, sizeof id);
	v->has_id = string.raw_len > 0;
	v->is_ours = len > 0 && (size_t)len == strlen(v->message_id) &&
		     memcmp(id, v->message_id, (size_t)len) == 0;
	return JSON_OK;
}

static enum json_fault read_failure(struct json_scan *scan, struct verdict *v)
{
	v->has_id = v->is_ours = false;
	return read_member(scan, "itemIdentifier", read_id, v);
}

static const char *judge_failure(const struct verdict *v)
{
	if (!v->has_id)
		return "has " MEMBER " without an itemIdentifier";
	return v->is_ours ? "names the message in " MEMBER
			  : "names in " MEMBER " a message that it was not given";
}

/* The first that is wrong counts; that a message is not ours, only if nothing else is. */
static enum json_fault read_failures(struct json_scan *scan, struct verdict *v)
{
	bool more = false, decided = false;

	v->fault = NULL;
	if (json_scan_peek(scan) == 'n')
		return json_scan_value(scan);
	if (json_scan_peek(scan) != '[') {
		v->fault = "has " MEMBER " that are no list";
		return json_scan_value(scan);
	}
	enum json_fault fault = json_scan_enter(scan);
	while (fault == JSON_OK) {
		fault = json_scan_element(scan, &more);
		if (fault != JSON_OK || !more)
			break;
		fault = read_failure(scan, v);
		if (!decided)
			v->fault = judge_failure(v);
		decided = decided || !v->has_id || v->is_ours;
	}
	return fault;
}

/* ---- A response ---- */

bool lambda_answer_is_good(
	const char *body, size_t len, const char *message_id, char ret_text[LAMBDA_TEXT_MAX])
{
	struct verdict v = {.message_id = message_id};
	struct json_scan scan;

	if (len == 0 || !memmem(body, len, MEMBER, strlen(MEMBER)))
		return true;
	json_scan_init(&scan, body, len, DEPTH_MAX);
	if (read_member(&scan, MEMBER, read_failures, &v) != JSON_OK ||
		json_scan_end(&scan) != JSON_OK)
		return not_as_lambda_takes_it(ret_text, "is not JSON");
	return !v.fault || not_as_lambda_takes_it(ret_text, v.fault);
}

/* ---- An error ---- */

struct error {
	const char *type;
	const char *message;
};

static int on_member(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct error *error = userdata;
	size_t len;

	if (json_scan_peek(&r->scan) != '"')
		return json_read_skip(r);
	if (json_string_is(name, "errorType"))
		return json_read_text(r, &error->type, &len);
	if (json_string_is(name, "errorMessage"))
		return json_read_text(r, &error->message, &len);
	return json_read_skip(r);
}

void lambda_answer_read_error(
	const char *body, size_t len, const char *header_type, char ret_text[LAMBDA_TEXT_MAX])
{
	struct error error = {0};
	struct json_read r;
	bool there = json_read_init(&r, body, len) == 0;

	if (there && (json_read_object(&r, on_member, &error) < 0 || json_read_end(&r) < 0))
		error = (struct error){0};
	const char *type = error.type, *message = error.message ? error.message : "";
	if (!type || !*type)
		type = header_type && *header_type ? header_type : "Error";
	if (*message && strcmp(type, "Error") == 0)
		snprintf(ret_text, LAMBDA_TEXT_MAX, "%s", message);
	else
		snprintf(ret_text, LAMBDA_TEXT_MAX, "%s%s%s", type, *message ? ": " : "", message);
	if (there)
		json_read_done(&r);
}
