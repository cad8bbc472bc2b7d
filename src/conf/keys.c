#include "conf/keys.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/nearest.h"

bool keys_is_of_job(const struct key *key)
{
	return strcmp(key->section, KEY_JOB) == 0;
}

bool keys_takes(const struct key *key, enum settings_kind kind)
{
	return !key->kinds || key->kinds & KEY_KIND(kind);
}

enum settings_kind keys_needed_by(const struct key *key)
{
	assert(key->kinds && keys_is_of_job(key));
	return (enum settings_kind)__builtin_ctz(key->kinds);
}

static const struct value_name *keys_kind_names(void)
{
	return keys_find(KEY_JOB, "kind")->rule.names;
}

const char *keys_kind_name(enum settings_kind kind)
{
	const struct value_name *n = keys_kind_names();

	while (n->number != (int)kind)
		n++;
	return n->name;
}

void keys_write_kinds(const struct key *key, struct strbuf *out)
{
	unsigned left = key->kinds;

	for (const struct value_name *n = keys_kind_names(); n->name; n++) {
		unsigned kind = KEY_KIND(n->number);
		if (!(left & kind))
			continue;
		if (left != key->kinds)
			strbuf_puts(out, left == kind ? " and " : ", ");
		strbuf_puts(out, n->name);
		left &= ~kind;
	}
}

const char *keys_header(const char *section)
{
	return strcmp(section, KEY_JOB) == 0 ? KEY_JOB " TYPE" : section;
}

const struct key *keys_find(const char *section, const char *name)
{
	for (const struct key *k = keys; k < keys + n_keys; k++)
		if (strcmp(k->section, section) == 0 && strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

const struct key *keys_nearest(const char *section, const char *name)
{
	const struct key *best = NULL;
	size_t least = NEAREST_WORD_MAX;

	for (const struct key *k = keys; k < keys + n_keys; k++) {
		/* A key in the wrong section is as good a guess as one letter in the right one. */
		size_t distance =
			nearest_distance(name, k->name) + (strcmp(k->section, section) != 0);
		if (distance < least && nearest_is_slip(name, k->name)) {
			least = distance;
			best = k;
		}
	}
	return best;
}

const char *keys_nearest_section(const char *name)
{
	const char *best = NULL;
	size_t least = NEAREST_WORD_MAX;

	for (size_t i = 0; i < n_key_sections; i++) {
		size_t distance = nearest_distance(name, key_sections[i].name);
		if (distance < least && nearest_is_slip(name, key_sections[i].name)) {
			least = distance;
			best = key_sections[i].name;
		}
	}
	return best;
}

bool keys_environment(const struct key *key, char ret_name[KEY_ENVIRONMENT_MAX])
{
	if (keys_is_of_job(key))
		return false;
	int len = snprintf(ret_name, KEY_ENVIRONMENT_MAX, "NEXUS_%s_%s", key->section, key->name);
	assert(len > 0 && len < KEY_ENVIRONMENT_MAX);
	for (char *c = ret_name; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - ('a' - 'A'));
	return true;
}

int keys_read(const struct key *key, void *base, const char *text, struct strbuf *wrong)
{
	return key->rule.type->read(&key->rule, text, (char *)base + key->offset, wrong);
}

void keys_write(const struct key *key, const void *base, struct strbuf *out)
{
	key->rule.type->write(&key->rule, (const char *)base + key->offset, out);
}

void keys_write_masked(const struct key *key, const void *base, struct strbuf *out)
{
	if (key->rule.type->mask)
		key->rule.type->mask((const char *)base + key->offset, out);
	else
		keys_write(key, base, out);
}

bool keys_equal(const struct key *key, const void *base, const void *other)
{
	_cleanup_(strbuf_wipe) struct strbuf one = STRBUF_INIT, two = STRBUF_INIT;

	keys_write(key, base, &one);
	keys_write(key, other, &two);
	/* What cannot be compared for want of memory is better taken for a change. */
	return one.error == 0 && two.error == 0 && strcmp(strbuf_str(&one), strbuf_str(&two)) == 0;
}

int keys_read_fallback(const struct key *key, void *base)
{
	_cleanup_strbuf_ struct strbuf wrong = STRBUF_INIT;

	if (!key->fallback) {
		key->rule.type->clear((char *)base + key->offset);
		return 0;
	}
	int r = keys_read(key, base, key->fallback, &wrong);
	assert(r != -EINVAL);
	return r;
}

void keys_place(const struct key *key, const char *origin, struct strbuf *out)
{
	/* A variable and an option name the key already. */
	if (strncmp(origin, "environment ", 12) == 0 || origin[0] == '-')
		strbuf_printf(out, "%s: ", origin);
	else
		strbuf_printf(out, "%s: %s: ", origin, key->name);
}

int keys_note(const struct key *key, char **origins, const char *from)
{
	char **origin = &origins[key - keys];
	char *copy = NULL;

	if (from) {
		copy = strdup(from);
		if (!copy)
			return -ENOMEM;
	}
	free(*origin);
	*origin = copy;
	return 0;
}
