#include "ctl/cell.h"

#include <string.h>
#include <wchar.h>

#include "base/strbuf.h"
#include "base/utf8.h"

size_t cell_character(const char *text, size_t len)
{
	size_t n = utf8_sequence(text, len);

	return n > 0 && utf8_steers(utf8_decode(text, n)) ? 0 : n;
}

char *cell_new_of(const char *text, size_t len)
{
	_cleanup_strbuf_ struct strbuf cell = STRBUF_INIT;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = cell_character(text + i, len - i);
		if (n > 0) {
			strbuf_append(&cell, text + i, n);
			continue;
		}
		strbuf_putc(&cell, text[i] == '\n' || text[i] == '\t' ? ' ' : '?');
		n = 1;
	}
	return strbuf_take(&cell);
}

char *cell_new(const char *text)
{
	return cell_new_of(text, strlen(text));
}

static unsigned character_width(const char *text, size_t n)
{
	int width = wcwidth((wchar_t)utf8_decode(text, n));

	/* Terminals show what the locale does not know as one column. */
	return width < 0 ? 1 : (unsigned)width;
}

unsigned cell_width(const char *cell)
{
	size_t len = strlen(cell), n;
	unsigned width = 0;

	for (size_t i = 0; (n = utf8_sequence(cell + i, len - i)) > 0; i += n)
		width += character_width(cell + i, n);
	return width;
}

size_t cell_cut(const char *cell, unsigned width, unsigned *ret_width)
{
	size_t len = strlen(cell), i = 0, n;

	*ret_width = 0;
	for (; (n = utf8_sequence(cell + i, len - i)) > 0; i += n) {
		unsigned own = character_width(cell + i, n);
		if (*ret_width + own > width)
			break;
		*ret_width += own;
	}
	return i;
}
