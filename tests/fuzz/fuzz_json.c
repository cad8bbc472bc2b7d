/* JSON text: base/json_scan judges it as jansson does, and base/json_read reads the same in it. */
#include <assert.h>
#include <errno.h>

#include "../unit/json_oracle.h"
#include "base/json_read.h"
#include "fuzz.h"

#define DEPTH_MAX 64 /* as json_read has it */

/* The value that is next, as jansson has built it; of an array, the one that may be next. */
struct place {
	json_t *value;
	size_t next;
};

static int read_value(struct json_read *r, json_t *value);

static int read_element(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct place *place = userdata;

	assert(!name);
	/* A null is not told of. */
	while (json_is_null(json_array_get(place->value, place->next)))
		place->next++;
	return read_value(r, json_array_get(place->value, place->next++));
}

static int read_member(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct place *place = userdata;
	const char *text = NULL;

	assert(json_read_name(r, name, &text) == 0);
	return read_value(r, json_object_get(place->value, text));
}

static int read_string(struct json_read *r, const json_t *value)
{
	const char *text = NULL;
	size_t len = 0;

	int e = json_read_text(r, &text, &len);
	assert(e == 0 && len == json_string_length(value));
	assert(memcmp(text, json_string_value(value), len) == 0 && text[len] == '\0');
	return e;
}

/* A number that is 0 may be "-0". */
static int read_integer(struct json_read *r, const json_t *value)
{
	uint64_t number = 0;

	if (json_integer_value(value) <= 0)
		return json_read_skip(r);
	int e = json_read_number(r, &number);
	assert(e == 0 && number == (uint64_t)json_integer_value(value));
	return e;
}

static int read_boolean(struct json_read *r, const json_t *value)
{
	bool flag = false;

	int e = json_read_bool(r, &flag);
	assert(e == 0 && flag == json_is_true(value));
	return e;
}

static int read_value(struct json_read *r, json_t *value)
{
	struct place inside = {.value = value};

	assert(value);
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return json_read_object(r, read_member, &inside);
	case JSON_ARRAY:
		return json_read_array(r, read_element, &inside);
	case JSON_STRING:
		return read_string(r, value);
	case JSON_INTEGER:
		return read_integer(r, value);
	case JSON_TRUE:
	case JSON_FALSE:
		return read_boolean(r, value);
	case JSON_REAL:
	case JSON_NULL:
		break;
	}
	return json_read_skip(r);
}

static enum json_fault scan(const char *text, size_t len)
{
	struct json_scan scan;

	json_scan_init(&scan, text, len, DEPTH_MAX);
	enum json_fault fault = json_scan_value(&scan);
	fault = fault == JSON_OK ? json_scan_end(&scan) : fault;
	assert(scan.at <= scan.end && scan.end == text + len);
	assert(fault != JSON_OK || (scan.at == scan.end && scan.depth == 0));
	return fault;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct json_read r;
	json_error_t error;

	enum json_fault fault = scan(text, size);
	/* For jansson a NUL is an end. */
	if (size == 0 || memchr(text, '\0', size))
		return 0;
	json_t *json = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	assert(!json || fault == JSON_OK || fault == JSON_TOO_DEEP);
	assert(json || fault != JSON_OK || jansson_cannot_build(&error));
	json_decref(json);

	/* Of members of one name jansson keeps the last. */
	const size_t strict = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES;
	json = fault == JSON_OK ? json_loadb(text, size, strict, NULL) : NULL;
	if (json) {
		assert(json_read_init(&r, text, size) == 0);
		assert(read_value(&r, json) == 0 && json_read_end(&r) == 0);
		json_read_wipe(&r);
	}
	json_decref(json);
	return 0;
}
