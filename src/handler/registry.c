#include "handler/registry.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "handler/echo.h"

/* The compiled-in handlers: one file, one row each. */
static struct handler builtins[] = {
	{.name = "test-echo", .run = echo_run},
};

struct registry {
	struct registry_entry **entries;
	size_t n_entries;
};

struct handler *registry_builtin(const char *type)
{
	for (size_t i = 0; i < sizeof builtins / sizeof builtins[0]; i++)
		if (strcmp(builtins[i].name, type) == 0)
			return &builtins[i];
	return NULL;
}

int registry_new(struct registry **ret)
{
	struct registry *registry = calloc(1, sizeof *registry);

	if (!registry)
		return -ENOMEM;
	*ret = registry;
	return 0;
}

static void registry_entry_free(struct registry_entry *entry)
{
	handler_unref(entry->handler);
	free(entry->type);
	free(entry);
}

struct registry *registry_free(struct registry *registry)
{
	if (!registry)
		return NULL;
	for (size_t i = 0; i < registry->n_entries; i++)
		registry_entry_free(registry->entries[i]);
	free(registry->entries);
	free(registry);
	return NULL;
}

static struct registry_entry *registry_get(struct registry *registry, const char *type)
{
	for (size_t i = 0; i < registry->n_entries; i++)
		if (strcmp(registry->entries[i]->type, type) == 0)
			return registry->entries[i];
	return NULL;
}

/* Entries are never removed, so pointers to them stay good. */
static struct registry_entry *registry_add(struct registry *registry, const char *type)
{
	struct registry_entry *entry = registry_get(registry, type);
	if (entry)
		return entry;

	struct registry_entry **entries =
		reallocarray(registry->entries, registry->n_entries + 1, sizeof *entries);
	if (!entries)
		return NULL;
	registry->entries = entries;
	entry = calloc(1, sizeof *entry);
	if (!entry)
		return NULL;
	entry->type = strdup(type);
	if (!entry->type) {
		free(entry);
		return NULL;
	}
	entries[registry->n_entries++] = entry;
	return entry;
}

/* The entry was added before. */
static void registry_apply(struct registry_entry *entry, const struct registry_type *type)
{
	assert(entry);
	struct handler *before = entry->handler;

	entry->handler = handler_ref(type->handler);
	handler_unref(before);
	entry->timeout = type->timeout;
	entry->max_concurrency = type->max_concurrency;
	entry->base_delay = type->base_delay;
	entry->max_delay = type->max_delay;
	entry->keeps_row = type->keeps_row;
}

int registry_configure(struct registry *registry, const struct registry_type *types, size_t n_types)
{
	assert(n_types > 0 && strcmp(types[n_types - 1].type, "*") == 0);
	const struct registry_type *others = &types[n_types - 1];
	struct registry_type echo = *others;

	echo.type = "test-echo";
	echo.handler = registry_builtin(echo.type);
	echo.keeps_row = false;
	for (size_t i = 0; i < n_types; i++)
		if (!registry_add(registry, types[i].type))
			return -ENOMEM;
	struct registry_entry *implied = registry_add(registry, echo.type);
	if (!implied)
		return -ENOMEM;

	/* What an earlier configuration named and this one does not falls under "*". */
	for (size_t i = 0; i < registry->n_entries; i++)
		registry_apply(registry->entries[i], others);
	registry_apply(implied, &echo);
	for (size_t i = 0; i < n_types; i++)
		registry_apply(registry_get(registry, types[i].type), &types[i]);
	return 0;
}

struct registry_entry *registry_find(struct registry *registry, const char *type)
{
	struct registry_entry *entry = registry_get(registry, type);

	return entry ? entry : registry_get(registry, "*");
}

const struct registry_entry *registry_at(const struct registry *registry, size_t i)
{
	return i < registry->n_entries ? registry->entries[i] : NULL;
}

bool registry_entry_wants_envelopes(const struct registry_entry *entry)
{
	return entry->handler && entry->handler->wants_envelope;
}

bool registry_wants_envelopes(const struct registry *registry)
{
	for (size_t i = 0; i < registry->n_entries; i++)
		if (registry_entry_wants_envelopes(registry->entries[i]))
			return true;
	return false;
}
