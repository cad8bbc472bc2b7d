/*
 * Every key of the configuration, one row each: what it is called in a file, in the environment
 * and on the command line, how its value is read and written, its default, and its words in the
 * documentation. Whoever reads, prints, checks or documents settings walks this table, so a new
 * key is a new row (and a field in struct settings).
 */
#pragma once

#include <stdbool.h>

#include "conf/settings.h"
#include "conf/value.h"

enum key_flag {
	KEY_REQUIRED = 1 << 0, /* in a job's section: by the kinds that take it */
	KEY_PRIVATE =
		1 << 1, /* its value is in no message, and masked where settings are printed */
	KEY_RESTART = 1 << 2, /* a change takes effect with the next start */
};

#define KEY_OTHER_NAMES_MAX 2
#define KEY_ENVIRONMENT_MAX 64 /* bytes of a name in the environment */

struct key {
	const char *section; /* "job": once for each type, with its field in struct settings_job */
	const char *name;
	const char *fallback; /* the default, written as in a file; NULL: none */
	const char
		*fallback_words; /* the default, where the value alone does not say it; or NULL */
	const char *words;       /* what it is, in sentences */
	const char *option;      /* of the command line; or NULL */
	const char *other_names[KEY_OTHER_NAMES_MAX]; /* in the environment; the first wins */
	struct value_rule rule;
	size_t offset;
	unsigned kinds; /* of jobs that take it, KEY_KIND() of each; 0: all, and what is no job's */
	unsigned flags;
};

#define KEY_KIND(kind) (1u << (kind))

struct key_section {
	const char *name;
	const char *words;
};

#define KEY_JOB "job"

extern const struct key keys[];
extern const size_t n_keys;
extern const struct key_section key_sections[];
extern const size_t n_key_sections;

/* Whether its field is one of struct settings_job. */
bool keys_is_of_job(const struct key *key);

/* Whether jobs of that kind take it. */
bool keys_takes(const struct key *key, enum settings_kind kind);

/* The kind that needs it: of a key that jobs' sections require. */
enum settings_kind keys_needed_by(const struct key *key);

/* As in a file. */
const char *keys_kind_name(enum settings_kind kind);

/* Appends the kinds that take it, "command and lambda"; the key has kinds. */
void keys_write_kinds(const struct key *key, struct strbuf *out);

/* A section as a file's header has it, without the brackets: "job TYPE". */
const char *keys_header(const char *section);

/* NULL where there is none. */
const struct key *keys_find(const char *section, const char *name);

/* What it was probably meant to be; NULL where nothing is near. */
const struct key *keys_nearest(const char *section, const char *name);
const char *keys_nearest_section(const char *name);

/* NEXUS_<SECTION>_<KEY>, which sections of jobs have not: then false. */
bool keys_environment(const struct key *key, char ret_name[KEY_ENVIRONMENT_MAX]);

/* base: the struct settings, or for keys of KEY_JOB the struct settings_job. As in value.h. */
int keys_read(const struct key *key, void *base, const char *text, struct strbuf *wrong);
void keys_write(const struct key *key, const void *base, struct strbuf *out);

/* The value for people to see. */
void keys_write_masked(const struct key *key, const void *base, struct strbuf *out);

/* Whether both have the same value. */
bool keys_equal(const struct key *key, const void *base, const void *other);

/* Gives the key its default, or no value where it has none. 0 or -ENOMEM. */
int keys_read_fallback(const struct key *key, void *base);

/* Appends where the key's value is from, as a line of a report begins; origin: not NULL. */
void keys_place(const struct key *key, const char *origin, struct strbuf *out);

/* Remembers in origins where the key's value is from; NULL: it is the default. 0 or -ENOMEM. */
int keys_note(const struct key *key, char **origins, const char *from);
