#include "form.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

int form_decode(struct strbuf *out, const char *text, size_t len, bool plus_is_space)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '%') {
			char hex[3] = {0};
			if (len - i < 3 || !isxdigit((unsigned char)text[i + 1]) ||
				!isxdigit((unsigned char)text[i + 2]))
				return -EBADMSG;
			memcpy(hex, text + i + 1, 2);
			c = (char)strtoul(hex, NULL, 16);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		strbuf_putc(out, c);
	}
	return out->error;
}

/* One "name=value"; false: it cannot be read. */
static bool form_parameter(json_t *form, const char *text, size_t len)
{
	_cleanup_strbuf_ struct strbuf name = STRBUF_INIT, value = STRBUF_INIT;
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	size_t value_at = equals ? name_len + 1 : len;

	if (form_decode(&name, text, name_len, true) < 0 ||
		form_decode(&value, text + value_at, len - value_at, true) < 0)
		return false;
	return json_object_set_new(
		       form, strbuf_str(&name), json_stringn(strbuf_str(&value), value.len)) == 0;
}

json_t *form_parse(const char *body, size_t len)
{
	json_t *form = json_object();
	const char *end = body + len;

	while (body < end) {
		const char *ampersand = memchr(body, '&', (size_t)(end - body));
		size_t n = (size_t)((ampersand ? ampersand : end) - body);
		if (n > 0 && !form_parameter(form, body, n)) {
			json_decref(form);
			return NULL;
		}
		body += n + 1;
	}
	return form;
}

const char *form_value(const json_t *form, const char *name)
{
	return json_string_value(json_object_get(form, name));
}
