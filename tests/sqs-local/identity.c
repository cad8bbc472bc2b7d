#include "identity.h"

#include <stdio.h>

#include "must.h"
#include "service.h"

#define IDENTITY_SECONDS_MAX 1e9

static const struct identity_service *const identity_services[] = {
	&sts_service,
	&metadata_service,
	&container_service,
};

void identity_init(struct identity *identity)
{
	identity->roles = json_object();
	metadata_init(&identity->metadata);
	LIST_INIT(&identity->containers);
}

void identity_done(struct identity *identity)
{
	json_decref(identity->roles);
	metadata_done(&identity->metadata);
	containers_clear(&identity->containers);
}

const struct identity_service *identity_find(struct exchange *exchange, const char **ret_name)
{
	for (size_t i = 0; i < sizeof identity_services / sizeof *identity_services; i++) {
		const char *name = identity_services[i]->claim(exchange);
		if (!name)
			continue;
		*ret_name = name;
		return identity_services[i];
	}
	return NULL;
}

static bool identity_fits(const json_t *value, enum identity_type type)
{
	_cleanup_free_ char *joined = NULL;
	double number = json_number_value(value);

	if (json_is_null(value))
		return true;
	switch (type) {
	case IDENTITY_TEXT:
		return json_is_string(value);
	case IDENTITY_NAMES:
		joined = keys_join(value);
		return joined;
	case IDENTITY_SECONDS:
		return number > 0 && number <= IDENTITY_SECONDS_MAX;
	case IDENTITY_STATUS:
		return json_is_integer(value) && (number == 0 || (number >= 200 && number <= 599));
	case IDENTITY_FLAG:
		return json_is_boolean(value);
	}
	return false;
}

static const struct identity_term *identity_term(
	const struct identity_term *known, const char *name)
{
	for (; known->name; known++) {
		if (strcmp(known->name, name) == 0)
			return known;
	}
	return NULL;
}

const char *identity_change(json_t *terms, const struct identity_term *known, const json_t *change)
{
	const struct identity_term *term;
	const char *name;
	json_t *value;

	if (!json_is_object(change))
		return "what is to be changed is an object";
	json_object_foreach ((json_t *)change, name, value) {
		term = identity_term(known, name);
		if (!term)
			return "a member is not known here; control.h lists those that are";
		if (!identity_fits(value, term->type))
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

bool identity_renews(const struct identity_term *known, const json_t *change)
{
	for (; known->name; known++) {
		if (known->renews && json_object_get(change, known->name))
			return true;
	}
	return false;
}

const char *identity_text(const json_t *terms, const char *name, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(terms, name));

	return text ? text : otherwise;
}

usec_t identity_seconds(const json_t *terms, const char *name, usec_t otherwise)
{
	const json_t *seconds = json_object_get(terms, name);

	return seconds ? (usec_t)(json_number_value(seconds) * USEC_PER_SEC) : otherwise;
}

bool identity_flag(const json_t *terms, const char *name)
{
	return json_is_true(json_object_get(terms, name));
}

unsigned identity_status(const json_t *terms)
{
	return (unsigned)json_integer_value(json_object_get(terms, "status"));
}

void identity_reply(struct exchange *exchange, unsigned status, const char *type, char *text)
{
	exchange->answer.status = status;
	exchange->answer.content_type = type;
	exchange->answer.body = text;
	exchange->answer.body_len = text ? strlen(text) : 0;
}
