/*
 * JSON text into C values, in one pass and without a tree: one function per kind of object is
 * called for each of its members and says what the value must be.
 *
 * Owns: the memory of all texts read, no more than the JSON text is long. A member whose value is
 * null counts as absent. Pure but for that allocation; what json_scan.h says of strictness holds.
 *
 * Reading functions return 0; -EBADMSG for text that is not JSON (then `fault` says in what) or
 * has another shape than asked for (then `fault` is JSON_OK); or what a member function returned.
 * After a failure only json_read_done() is left to call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_scan.h"

struct json_read {
	struct json_scan scan;
	enum json_fault fault;
	char *texts;
	size_t texts_bytes;
	char *next; /* where the next text goes */
};

/* Borrows text as long as r is read. 0 or -ENOMEM; json_read_done() is welcome after both. */
int json_read_init(struct json_read *r, const char *text, size_t len);
/* Frees the texts too, unless they were taken. */
void json_read_done(struct json_read *r);
/* As json_read_done(), with the texts wiped first: for anything that held a secret. */
void json_read_wipe(struct json_read *r);
/* The memory of all texts, to be freed by the caller with free(); r is done. */
char *json_read_take_texts(struct json_read *r);

/*
 * Called with the value of each member, or element, next: it passes the value with one of the
 * functions below, and returns what that returned. name is NULL in an array.
 */
typedef int json_read_fn(struct json_read *r, const struct json_string *name, void *userdata);

int json_read_object(struct json_read *r, json_read_fn *member, void *userdata);
int json_read_array(struct json_read *r, json_read_fn *element, void *userdata);

/* Ends with a NUL. Without ret_len the text may hold none itself. */
int json_read_text(struct json_read *r, const char **ret, size_t *ret_len);
/*
 * The name that a member function was given, as json_read_text() without ret_len; any time in it,
 * but once: there is room for each text only once.
 */
int json_read_name(struct json_read *r, const struct json_string *name, const char **ret);
/* A whole number that is not negative, or a string that holds one. */
int json_read_number(struct json_read *r, uint64_t *ret);
int json_read_bool(struct json_read *r, bool *ret);
/* A value of any kind. */
int json_read_skip(struct json_read *r);
/* That nothing follows. */
int json_read_end(struct json_read *r);

/* Byte for byte: a name with escapes in it is no name that we know. */
bool json_string_is(const struct json_string *string, const char *text);
