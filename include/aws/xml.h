/*
 * XML from outside, read with libexpat: answers of the services that do not speak JSON (STS, and
 * S3 when it refuses).
 *
 * The texts of the elements that one asks for are copied, whatever stands around them and in
 * whatever order. Names are compared without their namespace's prefix. A document type is refused,
 * and with it every entity but XML's own five; the encoding is UTF-8, whatever the document says,
 * or UTF-16 that begins with its mark.
 *
 * Pure but for memory, all of which is wiped before it is freed: an answer may hold a secret.
 * Strangers' documents end at ceilings: of their size, of the names on the way from the root to an
 * element (which bounds the depth), and of the text of one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

#define XML_BYTES_MAX ((size_t)1 << 20)
#define XML_PATH_MAX  ((size_t)1 << 10)
#define XML_TEXT_MAX  ((size_t)64 << 10)

/* An element that is asked for. */
struct xml_field {
	/* Its name, behind as many of its parents' as tell it from others: "Error/Code". */
	const char *path;
	bool is_there;
	/* Its own text, not that of elements in it; without a NUL inside. */
	struct strbuf text;
};

/*
 * Reads a whole document. What the fields hold before, but for their paths, does not count;
 * xml_wipe() is due whatever comes back.
 *
 * 0; -EBADMSG: it is not such a document, or holds an element twice that is asked for; -ENOMEM.
 * Then ret_what says what it is, as a constant that reads on from "the answer is …".
 */
int xml_read(const char *xml, size_t len, struct xml_field *fields, size_t n_fields,
	const char **ret_what);
void xml_wipe(struct xml_field *fields, size_t n_fields);
