#include "conf/environment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/assign.h"
#include "conf/keys.h"
#include "conf/nearest.h"

#define PREFIX "NEXUS_"

const char *environment_get(const char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (const char *const *e = environment; e && *e; e++)
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			return (*e)[len + 1] ? *e + len + 1 : NULL;
	return NULL;
}

bool environment_is_true(const char *const *environment, const char *name)
{
	const char *value = environment_get(environment, name);

	return value && strcasecmp(value, "true") == 0;
}

/* Told so, the SDKs act as if no endpoint were given; those given to us alone still hold. */
static bool environment_ignores(const char *const *environment, const char *name)
{
	return strncmp(name, "AWS_ENDPOINT_URL", strlen("AWS_ENDPOINT_URL")) == 0 &&
	       environment_is_true(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
}

static int environment_assign(const struct key *key, const char *name, const char *text,
	struct settings *settings, struct report *report)
{
	_cleanup_strbuf_ struct strbuf from = STRBUF_INIT;

	if (strbuf_printf(&from, "environment %s", name) < 0)
		return -ENOMEM;
	struct assign_value value = {.from = strbuf_str(&from), .text = text};
	return assign(key, settings, settings->origins, &value, report);
}

int environment_read(
	const char *const *environment, struct settings *settings, struct report *report)
{
	for (const struct key *k = keys; k < keys + n_keys; k++) {
		char own[KEY_ENVIRONMENT_MAX];
		const char *name = own, *text;

		if (!keys_environment(k, own))
			continue;
		text = environment_get(environment, own);
		for (size_t i = 0; !text && i < KEY_OTHER_NAMES_MAX && k->other_names[i]; i++) {
			name = k->other_names[i];
			if (!environment_ignores(environment, name))
				text = environment_get(environment, name);
		}
		if (!text)
			continue;
		int r = environment_assign(k, name, text, settings, report);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The key's name in the environment that is this one, or nearest to it; false: none is near. */
static bool environment_nearest(const char *name, char ret_meant[KEY_ENVIRONMENT_MAX])
{
	char own[KEY_ENVIRONMENT_MAX];
	size_t least = NEAREST_WORD_MAX;

	for (const struct key *k = keys; k < keys + n_keys; k++) {
		if (!keys_environment(k, own))
			continue;
		/* The prefix is right already: only what follows can be a slip. */
		const char *rest = name + strlen(PREFIX), *own_rest = own + strlen(PREFIX);
		size_t distance = nearest_distance(rest, own_rest);
		if (distance < least && nearest_is_slip(rest, own_rest)) {
			least = distance;
			memcpy(ret_meant, own, sizeof own);
		}
	}
	return least < NEAREST_WORD_MAX;
}

/* Whether the name has a section of ours behind the prefix: then it was meant for us. */
static bool environment_has_section(const char *name)
{
	char own[KEY_ENVIRONMENT_MAX];

	for (const struct key *k = keys; k < keys + n_keys; k++)
		if (keys_environment(k, own) &&
			strncmp(name, own, strlen(PREFIX) + strlen(k->section) + 1) == 0)
			return true;
	return false;
}

void environment_warn(const char *const *environment, struct report *report)
{
	for (const char *const *e = environment; e && *e; e++) {
		char name[KEY_ENVIRONMENT_MAX], meant[KEY_ENVIRONMENT_MAX];
		size_t len = strcspn(*e, "=");

		if (strncmp(*e, PREFIX, strlen(PREFIX)) != 0 || len >= sizeof name)
			continue;
		memcpy(name, *e, len);
		name[len] = '\0';
		if (environment_nearest(name, meant)) {
			if (strcmp(name, meant) != 0)
				report_warning(report,
					"environment %s: not a setting, did you mean %s?", name,
					meant);
		} else if (environment_has_section(name)) {
			report_warning(report, "environment %s: not a setting", name);
		}
	}
}
