#include "ctl/wrap.h"

#include <stdarg.h>
#include <string.h>

#include "base/strbuf.h"
#include "ctl/cell.h"
#include "ctl/listing.h"

static __attribute__((format(printf, 4, 0))) void wrap(
	FILE *out, unsigned column, unsigned indent, const char *format, va_list args)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	unsigned room = listing_width();

	strbuf_vprintf(&text, format, args);
	_cleanup_free_ char *line = cell_new(strbuf_str(&text));
	for (const char *at = line; at && *at;) {
		unsigned gap = (unsigned)strspn(at, " ");
		const char *word = at + gap;
		size_t len = strcspn(word, " ");
		_cleanup_free_ char *alone = strndup(word, len);
		unsigned width = alone ? cell_width(alone) : 0;

		if (column > indent && column + gap + width > room) {
			fputc('\n', out);
			column = 0;
			gap = indent;
		}
		fprintf(out, "%*s%.*s", (int)gap, "", (int)len, word);
		column += gap + width;
		at = word + len;
	}
	fputc('\n', out);
}

void wrap_print(FILE *out, unsigned indent, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	wrap(out, 0, indent, format, args);
	va_end(args);
}

void wrap_behind(FILE *out, unsigned column, unsigned indent, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	wrap(out, column, indent, format, args);
	va_end(args);
}
