#include "base/strbuf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void strbuf_init(struct strbuf *b, size_t ceiling)
{
	*b = (struct strbuf){.ceiling = ceiling};
}

void strbuf_done(struct strbuf *b)
{
	free(b->data);
	strbuf_init(b, b->ceiling);
}

void strbuf_wipe(struct strbuf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->capacity);
	strbuf_done(b);
}

void strbuf_reset(struct strbuf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->data)
		b->data[0] = '\0';
}

void strbuf_truncate(struct strbuf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

void strbuf_cut_line_ends(struct strbuf *b)
{
	size_t len = b->len;

	while (len > 0 && (b->data[len - 1] == '\n' || b->data[len - 1] == '\r'))
		len--;
	strbuf_truncate(b, len);
}

/* Makes room for len more bytes and the NUL. */
static int strbuf_reserve(struct strbuf *b, size_t len)
{
	if (b->error < 0)
		return b->error;
	if (len > b->ceiling - b->len)
		return b->error = -ENOBUFS;

	size_t need = b->len + len + 1;
	if (need <= b->capacity)
		return 0;

	size_t capacity = b->capacity ? b->capacity : 64;
	while (capacity < need)
		capacity *= 2;

	/* Not realloc(): the old bytes may be secret, and strbuf_wipe() must reach all of them. */
	char *data = malloc(capacity);
	if (!data)
		return b->error = -ENOMEM;
	if (b->data) {
		memcpy(data, b->data, b->len + 1);
		explicit_bzero(b->data, b->capacity);
		free(b->data);
	}
	b->data = data;
	b->capacity = capacity;
	return 0;
}

int strbuf_append(struct strbuf *b, const void *data, size_t len)
{
	int r = strbuf_reserve(b, len);
	if (r < 0)
		return r;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int strbuf_puts(struct strbuf *b, const char *text)
{
	return strbuf_append(b, text, strlen(text));
}

int strbuf_putc(struct strbuf *b, char c)
{
	return strbuf_append(b, &c, 1);
}

int strbuf_vprintf(struct strbuf *b, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	if (len < 0 && b->error == 0)
		b->error = -EINVAL;
	int r = strbuf_reserve(b, len < 0 ? 0 : (size_t)len);
	if (r == 0) {
		vsnprintf(b->data + b->len, (size_t)len + 1, format, again);
		b->len += (size_t)len;
	}
	va_end(again);
	return r;
}

int strbuf_printf(struct strbuf *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int r = strbuf_vprintf(b, format, args);
	va_end(args);
	return r;
}

const char *strbuf_str(const struct strbuf *b)
{
	return b->data ? b->data : "";
}

char *strbuf_take(struct strbuf *b)
{
	if (b->error < 0 || strbuf_reserve(b, 0) < 0)
		return NULL;
	b->data[b->len] = '\0';

	char *text = TAKE_PTR(b->data);
	strbuf_init(b, b->ceiling);
	return text;
}
