#include "ctl/cell.h"

#include <stdbool.h>
#include <string.h>
#include <wchar.h>

#include "base/strbuf.h"
#include "base/utf8.h"

/* Of C0 and C1, and those of Unicode that end lines or turn the direction of writing. */
static bool steers(uint32_t code_point)
{
	return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
	       code_point == 0x61c || (code_point >= 0x200e && code_point <= 0x200f) ||
	       (code_point >= 0x2028 && code_point <= 0x202e) ||
	       (code_point >= 0x2066 && code_point <= 0x2069);
}

size_t cell_character(const char *text, size_t len)
{
	size_t n = utf8_sequence(text, len);

	return n > 0 && steers(utf8_decode(text, n)) ? 0 : n;
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
