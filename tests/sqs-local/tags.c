#include "tags.h"

#include <string.h>

#include "input.h"

#define TAGS_MAX       50
#define TAGS_NAME_MAX  128
#define TAGS_VALUE_MAX 256

/* In characters, of text that is UTF-8. */
static size_t tags_length(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

bool tags_check_name(const char *name, struct failure *failure)
{
	size_t len = tags_length(name);

	if (len > 0 && len <= TAGS_NAME_MAX)
		return true;
	return failure_set(failure, FAILURE_INVALID_PARAMETER,
		"Tag keys must be between 1 and %d characters in length.", TAGS_NAME_MAX);
}

static bool tags_check(const char *name, const json_t *value, struct failure *failure)
{
	if (!tags_check_name(name, failure))
		return false;
	if (strncasecmp(name, "aws:", 4) == 0)
		return failure_set(failure, FAILURE_INVALID_PARAMETER,
			"Tag keys that start with aws: are reserved.");
	if (!json_is_string(value))
		return failure_set(
			failure, FAILURE_SERIALIZATION, "the values of Tags must be strings");
	if (tags_length(json_string_value(value)) > TAGS_VALUE_MAX)
		return failure_set(failure, FAILURE_INVALID_PARAMETER,
			"Tag values must be between 0 and %d characters in length.",
			TAGS_VALUE_MAX);
	return true;
}

bool tags_add(json_t *tags, const json_t *more, const char *queue, struct failure *failure)
{
	json_t *all = json_copy(tags), *value;
	const char *name;

	json_object_foreach ((json_t *)more, name, value) {
		if (!tags_check(name, value, failure)) {
			json_decref(all);
			return false;
		}
		json_object_set(all, name, value);
	}
	bool ok = json_object_size(all) <= TAGS_MAX;
	if (ok)
		json_object_update(tags, all);
	json_decref(all);
	return ok || failure_set(failure, FAILURE_INVALID_PARAMETER,
			     "Too many tags added for queue %s.", queue);
}
