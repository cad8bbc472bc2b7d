#include "ctl/unit.h"

#include <stdio.h>
#include <string.h>

#include "conf/settings.h"

#define USUAL  "nexus-worker"
#define SUFFIX ".conf"

/* Longer ones are no unit's. */
#define INSTANCE_MAX 200

/* The NAME of SETTINGS_DIRECTORY/NAME.conf; its length is 0 where that is no instance's. */
static size_t instance_of(const char *config, const char **ret_name)
{
	size_t directory_len = strlen(SETTINGS_DIRECTORY "/");

	if (!config || strncmp(config, SETTINGS_DIRECTORY "/", directory_len) != 0)
		return 0;
	*ret_name = config + directory_len;
	size_t len = strlen(*ret_name);
	if (len <= strlen(SUFFIX) || strchr(*ret_name, '/') || strcmp(*ret_name, USUAL SUFFIX) == 0)
		return 0;
	len -= strlen(SUFFIX);
	return len <= INSTANCE_MAX && strcmp(*ret_name + len, SUFFIX) == 0 ? len : 0;
}

void unit_of(const char *config, struct unit *ret)
{
	const char *name;
	int len = (int)instance_of(config, &name);

	if (len == 0) {
		*ret = (struct unit){.name = USUAL, .runtime_directory = "/run/" USUAL};
		return;
	}
	snprintf(ret->name, sizeof ret->name, USUAL "@%.*s", len, name);
	snprintf(ret->runtime_directory, sizeof ret->runtime_directory, "/run/" USUAL "-%.*s", len,
		name);
}
