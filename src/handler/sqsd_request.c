#include "handler/sqsd_request.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ATTRIBUTE_PREFIX "X-Aws-Sqsd-Attr-"
/* Attributes of aws-sqsd's own: they have headers of other names, or none. */
#define OWN_PREFIX "beanstalk.sqsd"

/* A tab is the one control character that a header may hold; C1's are two bytes in UTF-8. */
static bool value_is_sendable(const char *value)
{
	for (const unsigned char *c = (const void *)value; *c; c++)
		if ((*c < 0x20 && *c != '\t') || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
			return false;
	return true;
}

/* NULL is no value. */
static int request_add(struct sqsd_request *r, const char *name, const char *value, char *ret_text)
{
	if (!value)
		return 0;
	if (!value_is_sendable(value)) {
		snprintf(ret_text, SQSD_REQUEST_TEXT_MAX,
			"its message is not sent: %s would hold a control character", name);
		return -EINVAL;
	}
	assert(r->n_headers < HTTP_HEADERS_MAX);
	r->headers[r->n_headers++] = (struct http_header){name, value};
	return 0;
}

/* ISO 8601 in UTC; NULL: that is no moment. */
static const char *write_moment(const struct tm *tm, char ret[SQSD_MOMENT_MAX])
{
	return strftime(ret, SQSD_MOMENT_MAX, "%Y-%m-%dT%H:%M:%SZ", tm) > 0 ? ret : NULL;
}

/* The moment of a system attribute: milliseconds since 1970. */
static const char *request_moment(
	const struct envelope *envelope, const char *attribute, char ret[SQSD_MOMENT_MAX])
{
	const char *msec = envelope_get(envelope, attribute);
	struct tm tm;
	char *end;

	if (!msec || !isdigit((unsigned char)msec[0]))
		return NULL;
	time_t seconds = (time_t)(strtoull(msec, &end, 10) / 1000);
	return *end == '\0' && gmtime_r(&seconds, &tm) ? write_moment(&tm, ret) : NULL;
}

static const char *request_own(const struct envelope *envelope, const char *attribute)
{
	const struct envelope_message_attribute *a = envelope_get_message(envelope, attribute);

	return a ? a->string_value : NULL;
}

/* aws-sqsd's leader writes it as Ruby does; what is written otherwise stays as it is. */
static const char *request_schedule(const struct envelope *envelope, char ret[SQSD_MOMENT_MAX])
{
	const char *text = request_own(envelope, OWN_PREFIX ".scheduled_time");
	struct tm tm = {0};
	const char *end = text ? strptime(text, "%Y-%m-%d %H:%M:%S UTC", &tm) : NULL;

	return end && *end == '\0' ? write_moment(&tm, ret) : text;
}

static int request_add_system(struct sqsd_request *r, const struct envelope *e, char *ret_text)
{
	const struct http_header headers[] = {
		{"Content-Type", "application/json"},
		{"X-Aws-Sqsd-Msgid", e->message_id},
		{"X-Aws-Sqsd-Queue", e->queue_name},
		{"X-Aws-Sqsd-First-Received-At",
			request_moment(
				e, "ApproximateFirstReceiveTimestamp", r->first_received_at)},
		{"X-Aws-Sqsd-Receive-Count", envelope_get(e, "ApproximateReceiveCount")},
		{"X-Aws-Sqsd-Sent-At", request_moment(e, "SentTimestamp", r->sent_at)},
		{"X-Aws-Sqsd-Sender-Id", envelope_get(e, "SenderId")},
		{"X-Aws-Sqsd-Path", r->path},
		{"X-Aws-Sqsd-Taskname", request_own(e, OWN_PREFIX ".task_name")},
		{"X-Aws-Sqsd-Scheduled-At", request_schedule(e, r->scheduled_at)},
	};
	int error = 0;

	for (size_t i = 0; error == 0 && i < sizeof headers / sizeof *headers; i++)
		error = request_add(r, headers[i].name, headers[i].value, ret_text);
	return error;
}

/* Of a kind, or of one that was made of it: "Number", "Number.int". */
static bool type_is(const char *data_type, const char *kind)
{
	size_t len = strlen(kind);

	return strncmp(data_type, kind, len) == 0 && (!data_type[len] || data_type[len] == '.');
}

static bool attribute_is_copied(const struct envelope_message_attribute *a)
{
	return strncmp(a->name, OWN_PREFIX, strlen(OWN_PREFIX)) != 0 &&
	       (type_is(a->data_type, "String") || type_is(a->data_type, "Number"));
}

/* SQS tells names of other case apart, headers do not: the first counts, as with aws-sqsd. */
static bool request_has(const struct sqsd_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return true;
	return false;
}

static int request_add_attribute(
	struct sqsd_request *r, const struct envelope_message_attribute *a, char *ret_text)
{
	static const char legal[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_-.";
	size_t len = strlen(a->name);

	if (len == 0 || len > SQSD_ATTRIBUTE_NAME_MAX || strspn(a->name, legal) != len) {
		snprintf(ret_text, SQSD_REQUEST_TEXT_MAX,
			"its message is not sent: an attribute's name has other characters than "
			"letters, digits, \"_\", \"-\" and \".\", or too many");
		return -EINVAL;
	}
	char *name = r->attributes[r->n_attributes];
	snprintf(name, sizeof r->attributes[0], ATTRIBUTE_PREFIX "%s", a->name);
	if (request_has(r, name))
		return 0;
	r->n_attributes++;
	return request_add(r, name, a->string_value, ret_text);
}

/* Appended to the service's host it is a path and nothing else. */
static bool path_is_good(const char *path)
{
	return path[0] == '/' && value_is_sendable(path) && !strpbrk(path, " \t");
}

int sqsd_request_build(struct sqsd_request *r, const struct envelope *envelope,
	char ret_text[SQSD_REQUEST_TEXT_MAX])
{
	assert(envelope->n_message_attributes <= SQS_MESSAGE_ATTRIBUTES_MAX);
	r->n_headers = r->n_attributes = 0;
	r->path = request_own(envelope, OWN_PREFIX ".path");
	if (r->path && !path_is_good(r->path)) {
		snprintf(ret_text, SQSD_REQUEST_TEXT_MAX,
			"its message is not sent: its attribute " OWN_PREFIX
			".path is no path that begins with /");
		return -EINVAL;
	}
	int error = request_add_system(r, envelope, ret_text);
	for (size_t i = 0; error == 0 && i < envelope->n_message_attributes; i++)
		if (attribute_is_copied(&envelope->message_attributes[i]))
			error = request_add_attribute(
				r, &envelope->message_attributes[i], ret_text);
	return error;
}
