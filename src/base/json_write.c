#include "base/json_write.h"

#include <string.h>

static void json_write_escaped(struct strbuf *b, char c)
{
	static const char letters[] = {
		['"'] = '"',
		['\\'] = '\\',
		['\n'] = 'n',
		['\r'] = 'r',
		['\t'] = 't',
	};
	unsigned char byte = (unsigned char)c;

	if (byte < sizeof letters && letters[byte])
		strbuf_printf(b, "\\%c", letters[byte]);
	else
		strbuf_printf(b, "\\u%04x", byte);
}

int json_write_string(struct strbuf *b, const char *text, size_t len)
{
	size_t from = 0;

	strbuf_putc(b, '"');
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] >= ' ' && text[i] != '"' && text[i] != '\\')
			continue;
		strbuf_append(b, text + from, i - from);
		json_write_escaped(b, text[i]);
		from = i + 1;
	}
	strbuf_append(b, text + from, len - from);
	return strbuf_putc(b, '"');
}

int json_write_text(struct strbuf *b, const char *text)
{
	return json_write_string(b, text, strlen(text));
}
