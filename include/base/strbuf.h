/*
 * A growing string with a ceiling.
 *
 * Invariant: data[len] is NUL whenever data is set, and len never exceeds the ceiling. Failure
 * sticks: after the first one every append does nothing and returns the same error, so that a
 * text may be built in many steps and checked once (strbuf.error: 0, -ENOBUFS past the ceiling,
 * -ENOMEM, -EINVAL for a format that cannot be printed). What was there before stays.
 *
 * A strbuf belongs to one thread. strbuf_done() may be called twice.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/cleanup.h"

struct strbuf {
	char *data;
	size_t len;
	size_t capacity;
	size_t ceiling;
	int error;
};

/* For text whose size only we decide. */
#define STRBUF_CEILING_DEFAULT (16u << 20)
#define STRBUF_INIT            ((struct strbuf){.ceiling = STRBUF_CEILING_DEFAULT})

void strbuf_init(struct strbuf *b, size_t ceiling);
void strbuf_done(struct strbuf *b);
/* As strbuf_done(), with the bytes wiped first: for anything that held a secret. */
void strbuf_wipe(struct strbuf *b);

/* Empties it and forgets an error; keeps the memory. */
void strbuf_reset(struct strbuf *b);
/* Cuts it down to its first len bytes. */
void strbuf_truncate(struct strbuf *b, size_t len);
/* Cuts off the line ends behind it, which an editor puts there. */
void strbuf_cut_line_ends(struct strbuf *b);

int strbuf_append(struct strbuf *b, const void *data, size_t len);
int strbuf_puts(struct strbuf *b, const char *text);
int strbuf_putc(struct strbuf *b, char c);
int strbuf_printf(struct strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int strbuf_vprintf(struct strbuf *b, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* The text so far, never NULL; borrowed until the next change. */
const char *strbuf_str(const struct strbuf *b);

/*
 * Returns the text, owned by the caller, and empties the buffer; NULL after an error, and the
 * buffer stays as it is.
 */
char *strbuf_take(struct strbuf *b);

#define _cleanup_strbuf_ _cleanup_(strbuf_done)
