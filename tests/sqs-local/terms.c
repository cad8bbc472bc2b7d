#include "terms.h"

#include "keys.h"
#include "must.h"

#define TERMS_SECONDS_MAX 1e9

static bool terms_fits(const json_t *value, enum term_type type)
{
	_cleanup_free_ char *joined = NULL;
	double number = json_number_value(value);

	if (json_is_null(value))
		return true;
	switch (type) {
	case TERM_TEXT:
		return json_is_string(value);
	case TERM_NAMES:
		joined = keys_join(value);
		return joined;
	case TERM_SECONDS:
		return number > 0 && number <= TERMS_SECONDS_MAX;
	case TERM_STATUS:
		return json_is_integer(value) && (number == 0 || (number >= 200 && number <= 599));
	case TERM_FLAG:
		return json_is_boolean(value);
	}
	return false;
}

static const struct term *terms_find(const struct term *known, const char *name)
{
	for (; known->name; known++) {
		if (strcmp(known->name, name) == 0)
			return known;
	}
	return NULL;
}

const char *terms_change(json_t *terms, const struct term *known, const json_t *change)
{
	const struct term *term;
	const char *name;
	json_t *value;

	if (!json_is_object(change))
		return "what is to be changed is an object";
	json_object_foreach ((json_t *)change, name, value) {
		term = terms_find(known, name);
		if (!term)
			return "a member is not known here; control.h lists those that are";
		if (!terms_fits(value, term->type))
			return "a member is not what it may be; control.h says what that is";
	}
	json_object_foreach ((json_t *)change, name, value) {
		if (json_is_null(value))
			json_object_del(terms, name);
		else
			json_object_set(terms, name, value);
	}
	return NULL;
}

bool terms_renews(const struct term *known, const json_t *change)
{
	for (; known->name; known++) {
		if (known->renews && json_object_get(change, known->name))
			return true;
	}
	return false;
}

const char *terms_text(const json_t *terms, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(terms, name));

	return text ? text : otherwise;
}

usec_t terms_seconds(const json_t *terms, const char *name, usec_t otherwise)
{
	const json_t *seconds = json_object_get(terms, name);

	return seconds ? (usec_t)(json_number_value(seconds) * USEC_PER_SEC) : otherwise;
}

bool terms_flag(const json_t *terms, const char *name)
{
	return json_is_true(json_object_get(terms, name));
}

unsigned terms_status(const json_t *terms)
{
	return (unsigned)json_integer_value(json_object_get(terms, "status"));
}
