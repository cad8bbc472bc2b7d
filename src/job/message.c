#include "job/message.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/json_scan.h"

#define TEXT_OF(number)   #number
#define DIGITS_OF(number) TEXT_OF(number)

/* A member that has to be a string, and the ways in which it may not be one that we take. */
struct text_rules {
	size_t max;
	const char *missing, *twice, *not_string, *empty, *too_long, *nul, *control, *half_pair;
};

#define TEXT_RULES(name, max_bytes)                                                                \
	{                                                                                          \
		.max = (max_bytes), .missing = name " is missing",                                 \
		.twice = name " is there twice", .not_string = name " is not a string",            \
		.empty = name " is empty",                                                         \
		.too_long = name " is longer than " DIGITS_OF(max_bytes) " bytes",                 \
		.nul = name " holds a NUL", .control = name " holds a control character",          \
		.half_pair = name " holds half a surrogate pair",                                  \
	}

static const struct text_rules job_id_rules = TEXT_RULES("jobId", MESSAGE_ID_MAX);
static const struct text_rules type_rules = TEXT_RULES("type", MESSAGE_TYPE_MAX);

struct reader {
	struct json_scan scan;
	const char *body;
	struct message message;
	/* The first thing that is wrong with a body which may still turn out not to be JSON. */
	const char *refusal;
};

static void reader_refuse(struct reader *r, const char *reason)
{
	if (!r->refusal)
		r->refusal = reason;
}

/* These end up in log lines and on terminals. The C1 controls are two bytes in UTF-8. */
static const char *text_check(const char *text, size_t len, const struct text_rules *rules)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\0')
			return rules->nul;
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0))
			return rules->control;
	}
	return len == 0 ? rules->empty : NULL;
}

/* ret is zero and one byte longer than the text may be: so it ends in a NUL. */
static const char *text_decode(
	const struct json_string *string, const struct text_rules *rules, char *ret)
{
	int len = json_string_decode(string, ret, rules->max);

	if (len == -ENOBUFS)
		return rules->too_long;
	if (len < 0)
		return rules->half_pair;
	return text_check(ret, (size_t)len, rules);
}

static enum json_fault reader_text(struct reader *r, const struct text_rules *rules, char *ret)
{
	struct json_string string;

	if (json_scan_peek(&r->scan) != '"') {
		reader_refuse(r, rules->not_string);
		return json_scan_value(&r->scan);
	}
	enum json_fault fault = json_scan_string(&r->scan, &string);
	if (fault != JSON_OK)
		return fault;

	/* A first one that was refused left its reason, and that stands. */
	const char *reason = ret[0] ? rules->twice : text_decode(&string, rules, ret);
	if (reason)
		reader_refuse(r, reason);
	return JSON_OK;
}

static enum json_fault reader_payload(struct reader *r)
{
	if (r->message.payload_len > 0)
		reader_refuse(r, "payload is there twice");
	json_scan_peek(&r->scan);
	const char *begin = r->scan.at;
	enum json_fault fault = json_scan_value(&r->scan);
	r->message.payload_offset = (size_t)(begin - r->body);
	r->message.payload_len = (size_t)(r->scan.at - begin);
	return fault;
}

/* The longest name of ours; a longer one is none of them. */
#define NAME_MAX_BYTES (sizeof "payload" - 1)

static enum json_fault reader_member(struct reader *r, const struct json_string *raw_name)
{
	char name[NAME_MAX_BYTES + 1] = "";
	int len = json_string_decode(raw_name, name, NAME_MAX_BYTES);

	if (len == (int)strlen("jobId") && strcmp(name, "jobId") == 0)
		return reader_text(r, &job_id_rules, r->message.job_id);
	if (len == (int)strlen("type") && strcmp(name, "type") == 0)
		return reader_text(r, &type_rules, r->message.type);
	if (len == (int)strlen("payload") && strcmp(name, "payload") == 0)
		return reader_payload(r);
	return json_scan_value(&r->scan);
}

static enum json_fault reader_object(struct reader *r)
{
	enum json_fault fault = json_scan_enter(&r->scan);
	bool more = true;

	while (fault == JSON_OK) {
		struct json_string name;
		fault = json_scan_member(&r->scan, &more, &name);
		if (fault != JSON_OK || !more)
			break;
		fault = reader_member(r, &name);
	}
	return fault;
}

static enum json_fault reader_body(struct reader *r)
{
	enum json_fault fault;

	if (json_scan_peek(&r->scan) == '{') {
		fault = reader_object(r);
	} else {
		reader_refuse(r, "body is not a JSON object");
		fault = json_scan_value(&r->scan);
	}
	return fault == JSON_OK ? json_scan_end(&r->scan) : fault;
}

/* NULL if none. */
static const char *fault_reason(enum json_fault fault)
{
	switch (fault) {
	case JSON_OK:
		return NULL;
	case JSON_CUT_SHORT:
		return "body is not JSON: it ends in the middle";
	case JSON_NO_VALUE:
		return "body is not JSON: something in it is no value";
	case JSON_BAD_NUMBER:
		return "body is not JSON: malformed number";
	case JSON_RAW_CONTROL:
		return "body is not JSON: unescaped control character in a string";
	case JSON_BAD_ESCAPE:
		return "body is not JSON: unknown escape in a string";
	case JSON_BAD_UTF8:
		return "body is not JSON: invalid UTF-8";
	case JSON_NO_NAME:
		return "body is not JSON: a member's name is not a string";
	case JSON_NO_COLON:
		return "body is not JSON: no colon behind a member's name";
	case JSON_NO_SEPARATOR:
		return "body is not JSON: no comma between two values";
	case JSON_TOO_DEEP:
		return "body is nested deeper than " DIGITS_OF(MESSAGE_DEPTH_MAX);
	case JSON_TRAILING:
		return "body is not JSON: something follows its end";
	}
	return "body is not JSON";
}

/* In this order: the body as such, what was found in it, what was not. */
static const char *reader_verdict(const struct reader *r, enum json_fault fault)
{
	const char *reason = fault_reason(fault);

	if (reason)
		return reason;
	if (r->refusal)
		return r->refusal;
	if (!r->message.job_id[0])
		return job_id_rules.missing;
	if (!r->message.type[0])
		return type_rules.missing;
	if (r->message.payload_len == 0)
		return "payload is missing";
	return NULL;
}

static const char *message_read(const char *body, size_t len, struct message *ret)
{
	static const char byte_order_mark[] = {'\xef', '\xbb', '\xbf'};
	struct reader r = {.body = body};

	json_scan_init(&r.scan, body, len, MESSAGE_DEPTH_MAX);
	json_scan_peek(&r.scan);
	if (r.scan.at == r.scan.end)
		return "body is empty";
	if (len >= sizeof byte_order_mark &&
		memcmp(body, byte_order_mark, sizeof byte_order_mark) == 0)
		return "body is not JSON: it begins with a byte order mark";

	const char *reason = reader_verdict(&r, reader_body(&r));
	if (!reason)
		*ret = r.message;
	return reason;
}

int message_parse(const char *body, size_t len, struct message *ret, const char **ret_reason)
{
	const char *reason = message_read(body, len, ret);

	if (!reason)
		return 0;
	*ret_reason = reason;
	return -EBADMSG;
}
