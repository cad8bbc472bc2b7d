/*
 * The files that AWS's SDKs and tools share, ~/.aws/credentials and ~/.aws/config or where the
 * environment says they are, and the profiles in them. Grammar and precedence are those of "Shared
 * config and credentials files" in the SDKs and Tools Reference Guide.
 *
 * Texts are one line that names file, line and cure, and never a value that may be a secret.
 */
#pragma once

#include "aws/credentials.h"
#include "base/strbuf.h"

struct profile_files;

/*
 * Reads both; blocks on them. Returns owned. A file that is not there is none; -EINVAL for one that
 * cannot be read or understood; -ENOMEM, -EMFILE and the like.
 */
int profile_files_read(credentials_getenv_fn *getenv_fn, struct profile_files **ret,
	char ret_text[static CREDENTIALS_TEXT_MAX]);
/* Wipes what it has read. Returns NULL. */
struct profile_files *profile_files_free(struct profile_files *files);
DEFINE_CLEANUP(struct profile_files *, profile_files_free)

/* Where a profile stands in one of the files; section NULL: not in this one. */
struct profile_place {
	const char *section;
	const char *argument;
};

/* Borrows files, and its name. */
struct profile {
	const struct profile_files *files;
	const char *name;
	struct profile_place credentials;
	struct profile_place config;
};

/* A property, and where it was found; lives as long as files. */
struct profile_property {
	const char *value;
	const char *path;
	unsigned line;
};

/* Whether there is such a profile; ret is set in any case. */
bool profile_find(const struct profile_files *files, const char *name, struct profile *ret);
/*
 * The one that AWS_PROFILE or AWS_DEFAULT_PROFILE names, else "default". -EINVAL: one is named that
 * is not there; -ENOENT: none is named, and there is no "default".
 */
int profile_find_active(const struct profile_files *files, credentials_getenv_fn *getenv_fn,
	struct profile *ret, char ret_text[static CREDENTIALS_TEXT_MAX]);
/* The file that it stands in: of two, the one that comes first. */
const char *profile_path(const struct profile *profile);
/*
 * Both files, for texts that say that the profile is not there: why one is not read, and whether
 * the config file has the name without "profile ".
 */
int profile_describe_absence(
	const struct profile_files *files, const char *name, struct strbuf *out);

/* False where it is not set, or empty; then ret is of no use. */
bool profile_get(const struct profile *profile, const char *key, struct profile_property *ret);
/* NULL where it is not set, or empty. */
const char *profile_get_value(const struct profile *profile, const char *key);

/*
 * The region that the active profile names. Returns owned; -ENOENT where there is none, else as
 * profile_files_read() and profile_find_active(); then ret_text is one line that names the cure.
 * Blocks on the two files.
 */
int profile_region(
	credentials_getenv_fn *getenv_fn, char **ret, char ret_text[static CREDENTIALS_TEXT_MAX]);
