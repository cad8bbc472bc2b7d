#include "input.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *input_type_name(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "a structure or map";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return "another type";
}

bool input_member(const json_t *object, const char *name, json_type type, const json_t **ret,
	struct failure *failure)
{
	const json_t *member = json_object_get(object, name);

	if (!member || json_is_null(member))
		return true;
	if (json_typeof(member) != type)
		return failure_set(failure, FAILURE_SERIALIZATION, "%s must be %s", name,
			input_type_name(type));
	*ret = member;
	return true;
}

bool input_string(const json_t *object, const char *name, const char **ret, struct failure *failure)
{
	const json_t *member = NULL;

	if (!input_member(object, name, JSON_STRING, &member, failure))
		return false;
	if (!member)
		return true;
	if (strlen(json_string_value(member)) != json_string_length(member))
		return failure_set(failure, FAILURE_INVALID_PARAMETER,
			"Value for parameter %s is invalid. Reason: it contains #x0.", name);
	*ret = json_string_value(member);
	return true;
}

bool input_is_name(const char *text, size_t len_max)
{
	size_t n_good = 0;

	while (isalnum((unsigned char)text[n_good]) || text[n_good] == '-' || text[n_good] == '_')
		n_good++;
	return n_good > 0 && n_good <= len_max && text[n_good] == '\0';
}

bool input_missing(const char *name, struct failure *failure)
{
	return failure_set(failure, FAILURE_MISSING_PARAMETER,
		"The request must contain the parameter %s.", name);
}

bool input_required(
	const json_t *object, const char *name, const char **ret, struct failure *failure)
{
	const char *text = NULL;

	if (!input_string(object, name, &text, failure))
		return false;
	if (!text || !*text)
		return input_missing(name, failure);
	*ret = text;
	return true;
}

bool input_number(const json_t *object, const char *name, struct input_range range, unsigned *ret,
	struct failure *failure)
{
	const json_t *member = NULL;

	if (!input_member(object, name, JSON_INTEGER, &member, failure))
		return false;
	if (!member)
		return true;

	json_int_t value = json_integer_value(member);
	if (value < range.min || value > range.max)
		return failure_set(failure, FAILURE_INVALID_PARAMETER,
			"Value %lld for parameter %s is invalid. Reason: Must be between %u and "
			"%u, if provided.",
			(long long)value, name, range.min, range.max);
	*ret = (unsigned)value;
	return true;
}

void input_bad_character(const char *text, size_t len, char ret[16])
{
	ret[0] = '\0';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
			snprintf(ret, 16, "#x%X", c);
			return;
		}
		/* U+FFFE and U+FFFF; what is no Unicode at all the JSON parser has refused. */
		if (c == 0xef && i + 2 < len && memcmp(text + i + 1, "\xbf", 1) == 0 &&
			(unsigned char)text[i + 2] >= 0xbe) {
			snprintf(ret, 16, "#x%X", 0xff40u + (unsigned char)text[i + 2]);
			return;
		}
	}
}
