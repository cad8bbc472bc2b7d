/*
 * INI files, read in full: every problem is reported as "file:line: what", and reading goes on
 * with the next line, so that one look shows all there is to mend.
 *
 * Two dialects:
 *
 * INI_NEXUS, the manner of systemd's files. "[section]" or "[section argument]", "key = value",
 * "#" or ";" begins a comment where it is the first character of a line but for blanks, and nowhere
 * else. A value that ends in a backslash goes on in the next line (joined by one blank; comment
 * lines between are left out). Keys are as written.
 *
 * INI_AWS, the grammar of the SDKs' shared files (~/.aws/config, ~/.aws/credentials). Keys are
 * lower-cased. A comment also begins behind a value, after a blank, and anywhere behind "]". A line
 * that begins with a blank continues the value above it, joined by a newline and taken verbatim,
 * or, where that value is empty, is a sub-property "name = value" of that key.
 *
 * Both: blanks around everything are cut, CRLF and a byte order mark are accepted, there is no
 * limit to a line's length, and a section or key that comes again is listed again: ini_find() gives
 * the last. Control characters are refused. A problem's text never quotes a value, nor any part of
 * a line that could not be understood: it may be a secret.
 *
 * An object does not change once made; it belongs to one thread.
 */
#pragma once

#include "base/strbuf.h"

#define INI_FILE_MAX     (4u << 20) /* bytes; more is -EFBIG */
#define INI_PROBLEMS_MAX 100        /* are listed; the rest is counted */

enum ini_dialect {
	INI_NEXUS,
	INI_AWS,
};

/* "[name argument]": the argument is all behind the first blank, NULL without one. */
struct ini_section {
	const char *name;
	const char *argument;
};

/* A header, for which key and value are NULL, or "key = value" under the last header before it. */
struct ini_entry {
	struct ini_section section;
	const char *parent; /* of a sub-property: the key it belongs to; otherwise NULL */
	const char *key;
	const char *value;
	unsigned line;
};

/* Owns all its strings; wipes them when it is freed. */
struct ini {
	struct ini_entry *entries; /* as they stand */
	size_t n_entries;
	unsigned n_problems;

	char *text;
	size_t text_len;
};

/*
 * Reads text, which problems call name. Returns owned: what could be understood, even where
 * ini.n_problems says that there were problems. 0 or a negative errno.
 */
int ini_parse(const char *name, const char *text, size_t len, enum ini_dialect dialect,
	struct strbuf *problems, struct ini **ret);

/* The same for a file; blocks on it. Failing to open or read it is the caller's to report. */
int ini_read(const char *path, enum ini_dialect dialect, struct strbuf *problems, struct ini **ret);

/* The last such entry that is no sub-property; key NULL: such a header. NULL: none. Borrowed. */
const struct ini_entry *ini_find(
	const struct ini *ini, const char *section, const char *argument, const char *key);

/* Returns NULL. */
struct ini *ini_free(struct ini *ini);
DEFINE_CLEANUP(struct ini *, ini_free)
