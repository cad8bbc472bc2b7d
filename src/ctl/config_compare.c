#include "ctl/config_compare.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/keys.h"
#include "ctl/unit.h"

void running_read(const char *config, struct running *ret)
{
	struct unit unit;

	unit_of(config, &unit);
	*ret = (struct running){0};
	ret->error = imprint_read(unit.runtime_directory, &ret->seen);
}

void running_done(struct running *running)
{
	json_decref(running->seen.settings);
}

/* From the environment or the command line: as it is for as long as the process lives. */
static bool is_fixed(const char *origin)
{
	return origin && (strncmp(origin, "environment ", 12) == 0 || origin[0] == '-');
}

/* Of an origin "FILE:LINE", or of a path. */
static bool file_is_newer(const char *text, usec_t than)
{
	_cleanup_free_ char *path = text ? strdup(text) : NULL;
	char *colon = path ? strrchr(path, ':') : NULL;
	struct stat st;

	if (colon && isdigit((unsigned char)colon[1]))
		*colon = '\0';
	return path && path[0] == '/' && stat(path, &st) == 0 &&
	       (usec_t)st.st_mtim.tv_sec * USEC_PER_SEC + (usec_t)st.st_mtim.tv_nsec / 1000 > than;
}

/* What nobody compares, because it is secret or stands in another file, may have changed. */
static bool may_have_changed(
	const struct running *running, const struct settings_item *item, const char *value)
{
	bool names_file = strcmp(item->key->name, "environment_file") == 0;

	if (item->key->flags & KEY_PRIVATE)
		return file_is_newer(item->origin, running->seen.written_at);
	return names_file && file_is_newer(value, running->seen.written_at);
}

static void compare_missing(const struct settings_item *item, struct comparison *ret)
{
	ret->pending = true;
	/* Once for a section. */
	if (strcmp(item->key->name, "kind") == 0)
		snprintf(ret->note, sizeof ret->note,
			": the daemon has no such section; a reload brings it");
}

static void compare_other(
	const struct settings_item *item, const char *origin, struct comparison *ret)
{
	bool restart = item->key->flags & KEY_RESTART;

	if (is_fixed(origin)) {
		snprintf(ret->note, sizeof ret->note,
			": the daemon has %s from its %s, which beats what is here", ret->running,
			origin);
	} else if (is_fixed(item->origin)) {
		snprintf(ret->note, sizeof ret->note,
			" is from the %s of this shell, which the daemon does not see: it has %s",
			item->origin, ret->running);
	} else {
		ret->pending = true;
		snprintf(ret->note, sizeof ret->note, ": the daemon still has %s; %s changes it",
			ret->running, restart ? "a restart" : "a reload");
	}
}

void compare(const struct running *running, const struct settings_item *item, const char *name,
	const char *value, struct comparison *ret)
{
	const json_t *theirs = json_object_get(running->seen.settings, name);

	*ret = (struct comparison){.known = running->seen.settings != NULL};
	ret->running = json_string_value(json_object_get(theirs, "value"));
	if (!ret->known)
		return;
	if (!ret->running) {
		compare_missing(item, ret);
	} else if (strcmp(ret->running, value) != 0) {
		compare_other(item, json_string_value(json_object_get(theirs, "origin")), ret);
	} else if (may_have_changed(running, item, value)) {
		ret->pending = true;
		snprintf(ret->note, sizeof ret->note,
			": its file was changed since the daemon read it; a reload reads it again");
	}
}
