#include "ctl/wrap.h"

#include <stdarg.h>
#include <string.h>

#include "base/strbuf.h"
#include "ctl/cell.h"
#include "ctl/listing.h"

void wrap_print(FILE *out, unsigned indent, const char *format, ...)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	unsigned column = 0, room = listing_width();
	va_list args;

	va_start(args, format);
	strbuf_vprintf(&text, format, args);
	va_end(args);
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
