#include "attributes.h"

#include <ctype.h>
#include <endian.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/strbuf.h"
#include "digest.h"
#include "input.h"
#include "must.h"

#define ATTRIBUTES_NAME_MAX 256

static bool attributes_bad_name(const char *name, struct failure *failure)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)name[i]) && !strchr("_-.", name[i]))
			len = 0;
	}
	if (len > 0 && len <= ATTRIBUTES_NAME_MAX && name[0] != '.' && name[len - 1] != '.' &&
		!strstr(name, "..") && strncasecmp(name, "AWS.", 4) != 0 &&
		strncasecmp(name, "Amazon.", 7) != 0)
		return false;
	failure_set(failure, FAILURE_INVALID_PARAMETER,
		"The message attribute name '%.300s' is invalid.", name);
	return true;
}

/* Is type `base`, alone or with a suffix of the sender's behind a dot? */
static bool attributes_is(const char *type, const char *base)
{
	size_t len = strlen(base);

	return strncmp(type, base, len) == 0 && (type[len] == '\0' || type[len] == '.');
}

/* How many bytes the base64 text stands for, written to ret if that is set; -1: not base64. */
static int attributes_decode(const char *text, size_t len, unsigned char *ret)
{
	_cleanup_free_ unsigned char *bytes = must_zalloc(len + 1);
	int n = len % 4 == 0 ? EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)len) : -1;

	/* It counts the padding as bytes. */
	for (size_t i = len; n > 0 && i > 0 && text[i - 1] == '='; i--)
		n--;
	if (ret && n > 0)
		memcpy(ret, bytes, (size_t)n);
	return n;
}

static bool attributes_invalid(const char *name, const char *why, struct failure *failure)
{
	return failure_set(failure, FAILURE_INVALID_PARAMETER, "The message attribute '%.300s' %s.",
		name, why);
}

static bool attributes_is_number(const char *text)
{
	char *end;

	strtod(text, &end);
	return end != text && *end == '\0' && !strpbrk(text, "xXnN \t");
}

/* One attribute: what it holds, checked, as a new object in *ret. */
static bool attributes_read_one(const char *name, const json_t *given, json_t **ret,
	size_t *ret_bytes, struct failure *failure)
{
	const char *type = NULL, *string = NULL, *binary = NULL;
	char bad[16];

	if (attributes_bad_name(name, failure))
		return false;
	if (!input_string(given, "DataType", &type, failure) ||
		!input_string(given, "StringValue", &string, failure) ||
		!input_string(given, "BinaryValue", &binary, failure))
		return false;
	if (json_object_get(given, "StringListValues") ||
		json_object_get(given, "BinaryListValues"))
		return failure_set(failure, FAILURE_UNSUPPORTED,
			"Message attribute list values in SendMessage operation are not "
			"supported.");

	bool is_number = type && attributes_is(type, "Number");
	bool is_binary = type && attributes_is(type, "Binary");
	if (!is_number && !is_binary && !(type && attributes_is(type, "String")))
		return attributes_invalid(
			name, "must have a DataType String, Number or Binary", failure);

	const char *value = is_binary ? binary : string;
	if (!value || !*value)
		return attributes_invalid(name, "must contain a non-empty value", failure);
	if (is_number && !attributes_is_number(value))
		return attributes_invalid(name, "must be a number", failure);

	size_t len = strlen(value);
	if (is_binary) {
		int n = attributes_decode(value, len, NULL);
		if (n < 0)
			return failure_set(
				failure, FAILURE_SERIALIZATION, "BinaryValue is not base64");
		len = (size_t)n;
	} else {
		input_bad_character(value, len, bad);
		if (*bad)
			return attributes_invalid(
				name, "has a character that is not allowed", failure);
	}
	*ret_bytes = strlen(name) + strlen(type) + len;
	*ret = json_pack(
		"{s:s, s:s}", "DataType", type, is_binary ? "BinaryValue" : "StringValue", value);
	return true;
}

bool attributes_read(const json_t *given, json_t **ret, size_t *ret_bytes, struct failure *failure)
{
	json_t *all = NULL, *one = NULL, *value;
	size_t n_bytes = 0, bytes = 0;
	const char *name;

	if (json_object_size(given) > ATTRIBUTES_MAX)
		return failure_set(failure, FAILURE_INVALID_PARAMETER,
			"Number of message attributes [%zu] exceeds the allowed maximum [%d].",
			json_object_size(given), ATTRIBUTES_MAX);
	json_object_foreach ((json_t *)given, name, value) {
		if (!attributes_read_one(name, value, &one, &bytes, failure)) {
			json_decref(all);
			return false;
		}
		if (!all)
			all = json_object();
		json_object_set_new(all, name, one);
		n_bytes += bytes;
	}
	*ret = all;
	*ret_bytes = n_bytes;
	return true;
}

static bool attributes_fit(const char *name, const char *pattern)
{
	size_t len = strlen(pattern);

	if (strcmp(pattern, "All") == 0)
		return true;
	if (len >= 2 && strcmp(pattern + len - 2, ".*") == 0)
		return strncmp(name, pattern, len - 2) == 0;
	return strcmp(name, pattern) == 0;
}

json_t *attributes_select(const json_t *attributes, const json_t *patterns)
{
	json_t *selected = NULL, *value;
	const char *name;
	size_t i;
	const json_t *pattern;

	json_object_foreach ((json_t *)attributes, name, value) {
		bool wanted = false;
		json_array_foreach (patterns, i, pattern)
			wanted |= json_is_string(pattern) &&
				  attributes_fit(name, json_string_value(pattern));
		if (!wanted)
			continue;
		if (!selected)
			selected = json_object();
		json_object_set(selected, name, value);
	}
	return selected;
}

static void attributes_add(struct strbuf *out, const void *data, size_t len)
{
	uint32_t n = htobe32((uint32_t)len);

	strbuf_append(out, &n, sizeof n);
	strbuf_append(out, data, len);
}

static void attributes_add_value(struct strbuf *out, const json_t *attribute)
{
	const char *type = json_string_value(json_object_get(attribute, "DataType"));
	const char *string = json_string_value(json_object_get(attribute, "StringValue"));
	const char *binary = json_string_value(json_object_get(attribute, "BinaryValue"));

	attributes_add(out, type, strlen(type));
	strbuf_putc(out, string ? 1 : 2);
	if (string) {
		attributes_add(out, string, strlen(string));
		return;
	}
	_cleanup_free_ unsigned char *bytes = must_zalloc(strlen(binary) + 1);
	attributes_add(out, bytes, (size_t)attributes_decode(binary, strlen(binary), bytes));
}

static int attributes_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void attributes_md5(const json_t *attributes, char ret[ATTRIBUTES_MD5_SIZE])
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const char *names[ATTRIBUTES_MAX] = {NULL}, *name;
	unsigned char md5[DIGEST_MD5_SIZE];
	size_t n = 0;
	json_t *value;

	json_object_foreach ((json_t *)attributes, name, value)
		names[n++] = name;
	qsort(names, n, sizeof *names, attributes_compare);
	for (size_t i = 0; i < n; i++) {
		attributes_add(&text, names[i], strlen(names[i]));
		attributes_add_value(&text, json_object_get(attributes, names[i]));
	}
	digest_md5(strbuf_str(&text), text.len, md5);
	digest_hex(md5, sizeof md5, ret);
}
