/*
 * A walk over JSON text (RFC 8259) that builds nothing: it says whether the text is valid, and
 * where in it things stand. For text from strangers, of which a part is passed on byte for byte.
 *
 * Strict: UTF-8 only, no byte order mark, nothing behind the value, and a limit on how deep arrays
 * and objects go. As the grammar has it, numbers are of any size, names may repeat, and \u escapes
 * in strings need not form pairs (json_string_decode() minds those). Pure, no allocation; the
 * stack grows with depth_max.
 *
 * After a fault the scan is over. Outputs are then untouched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum json_fault {
	JSON_OK,
	JSON_CUT_SHORT,    /* the text ends where more must come */
	JSON_NO_VALUE,     /* no value begins here, or it is misspelt */
	JSON_BAD_NUMBER,   /* a leading zero, a lone sign or point */
	JSON_RAW_CONTROL,  /* a control character in a string, not escaped */
	JSON_BAD_ESCAPE,   /* a backslash with what must not follow it */
	JSON_BAD_UTF8,     /* in a string; elsewhere such bytes are no value */
	JSON_NO_NAME,      /* a member must begin with a string */
	JSON_NO_COLON,     /* between name and value */
	JSON_NO_SEPARATOR, /* neither a comma nor the end of the array or object */
	JSON_TOO_DEEP,
	JSON_TRAILING, /* something behind the value */
};

struct json_scan {
	const char *at;
	const char *end;
	unsigned depth;
	unsigned depth_max;
	bool entered; /* nothing read yet of the innermost array or object */
};

/* What stands between the quotes, valid but not unescaped; borrowed from the text. */
struct json_string {
	const char *raw;
	size_t raw_len;
};

void json_scan_init(struct json_scan *scan, const char *text, size_t len, unsigned depth_max);

/* The byte with which the next thing begins, behind any space; '\0' at the end. Takes nothing. */
char json_scan_peek(struct json_scan *scan);

/* Passes one value of any kind. */
enum json_fault json_scan_value(struct json_scan *scan);
enum json_fault json_scan_string(struct json_scan *scan, struct json_string *ret);

/*
 * Into an object or array (peek said '{' or '['), and through its members or elements. After each
 * name, or before each element, the caller passes the value; *ret_more is false when the object or
 * array has ended.
 */
enum json_fault json_scan_enter(struct json_scan *scan);
enum json_fault json_scan_member(
	struct json_scan *scan, bool *ret_more, struct json_string *ret_name);
enum json_fault json_scan_element(struct json_scan *scan, bool *ret_more);

/* Behind the outermost value: that nothing follows but space. */
enum json_fault json_scan_end(struct json_scan *scan);

/*
 * Unescapes into ret, without a NUL (it may hold some). The length; or -ENOBUFS if it is longer
 * than size, or -EILSEQ for half a surrogate pair, and then part of ret is written.
 */
int json_string_decode(const struct json_string *string, char *ret, size_t size);
