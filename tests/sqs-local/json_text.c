#include "json_text.h"

#include <string.h>

static void json_text_escape(struct strbuf *out, unsigned char c)
{
	static const char special[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	const char *found = c ? strchr(special, c) : NULL;

	if (found)
		strbuf_printf(out, "\\%c", letters[found - special]);
	else
		strbuf_printf(out, "\\u%04x", c);
}

void json_text_string(struct strbuf *out, const char *text, size_t len)
{
	size_t begun = 0; /* of the run that needs no escape */

	strbuf_putc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		strbuf_append(out, text + begun, i - begun);
		json_text_escape(out, c);
		begun = i + 1;
	}
	strbuf_append(out, text + begun, len - begun);
	strbuf_putc(out, '"');
}
