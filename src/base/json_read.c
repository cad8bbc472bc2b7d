#include "base/json_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define DEPTH_MAX 64

int json_read_init(struct json_read *r, const char *text, size_t len)
{
	/* A string's two quotes are more than its NUL needs. */
	size_t bytes = len + 1;
	char *texts = malloc(bytes);

	*r = (struct json_read){.texts = texts, .texts_bytes = bytes, .next = texts};
	json_scan_init(&r->scan, text, len, DEPTH_MAX);
	return texts ? 0 : -ENOMEM;
}

void json_read_done(struct json_read *r)
{
	free(json_read_take_texts(r));
}

void json_read_wipe(struct json_read *r)
{
	if (r->texts)
		explicit_bzero(r->texts, r->texts_bytes);
	json_read_done(r);
}

char *json_read_take_texts(struct json_read *r)
{
	return TAKE_PTR(r->texts);
}

static int read_fault(struct json_read *r, enum json_fault fault)
{
	r->fault = fault;
	return fault == JSON_OK ? 0 : -EBADMSG;
}

/* A value has begun, but it is not what was asked for; unless it is none at all. */
static int read_other(struct json_read *r)
{
	int e = json_read_skip(r);
	return e < 0 ? e : -EBADMSG;
}

/* A value that is not null. */
static int read_value(
	struct json_read *r, const struct json_string *name, json_read_fn *fn, void *userdata)
{
	return json_scan_peek(&r->scan) == 'n' ? json_read_skip(r) : fn(r, name, userdata);
}

int json_read_object(struct json_read *r, json_read_fn *member, void *userdata)
{
	if (json_scan_peek(&r->scan) != '{')
		return read_other(r);

	int e = read_fault(r, json_scan_enter(&r->scan));
	while (e == 0) {
		struct json_string name;
		bool more;

		e = read_fault(r, json_scan_member(&r->scan, &more, &name));
		if (e < 0 || !more)
			return e;
		e = read_value(r, &name, member, userdata);
	}
	return e;
}

int json_read_array(struct json_read *r, json_read_fn *element, void *userdata)
{
	if (json_scan_peek(&r->scan) != '[')
		return read_other(r);

	int e = read_fault(r, json_scan_enter(&r->scan));
	while (e == 0) {
		bool more;

		e = read_fault(r, json_scan_element(&r->scan, &more));
		if (e < 0 || !more)
			return e;
		e = read_value(r, NULL, element, userdata);
	}
	return e;
}

static int read_decoded(
	struct json_read *r, const struct json_string *string, const char **ret, size_t *ret_len)
{
	int len = json_string_decode(string, r->next, string->raw_len);

	if (len < 0)
		return read_fault(r, JSON_BAD_ESCAPE);
	r->next[len] = '\0';
	if (!ret_len && strlen(r->next) != (size_t)len)
		return -EBADMSG;
	*ret = r->next;
	if (ret_len)
		*ret_len = (size_t)len;
	r->next += len + 1;
	return 0;
}

int json_read_text(struct json_read *r, const char **ret, size_t *ret_len)
{
	struct json_string string;

	if (json_scan_peek(&r->scan) != '"')
		return read_other(r);
	int e = read_fault(r, json_scan_string(&r->scan, &string));
	return e < 0 ? e : read_decoded(r, &string, ret, ret_len);
}

int json_read_name(struct json_read *r, const struct json_string *name, const char **ret)
{
	return read_decoded(r, name, ret, NULL);
}

int json_read_number(struct json_read *r, uint64_t *ret)
{
	bool quoted = json_scan_peek(&r->scan) == '"';
	const char *at = r->scan.at + quoted;
	uint64_t number = 0;

	int e = json_read_skip(r);
	if (e < 0)
		return e;
	const char *end = r->scan.at - quoted;
	if (at == end)
		return -EBADMSG;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9' || __builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
			return -EBADMSG;
	}
	*ret = number;
	return 0;
}

int json_read_bool(struct json_read *r, bool *ret)
{
	char first = json_scan_peek(&r->scan);

	if (first != 't' && first != 'f')
		return read_other(r);
	int e = json_read_skip(r);
	if (e < 0)
		return e;
	*ret = first == 't';
	return 0;
}

int json_read_skip(struct json_read *r)
{
	return read_fault(r, json_scan_value(&r->scan));
}

int json_read_end(struct json_read *r)
{
	return read_fault(r, json_scan_end(&r->scan));
}

bool json_string_is(const struct json_string *string, const char *text)
{
	size_t len = strlen(text);

	return string->raw_len == len && memcmp(string->raw, text, len) == 0;
}
