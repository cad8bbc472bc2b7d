#include "conf/mask.h"

#include <stdbool.h>
#include <string.h>

static bool mask_has_word(const char *keyword, size_t len, const char *word)
{
	for (size_t i = 0; i + strlen(word) <= len; i++)
		if (strncasecmp(keyword + i, word, strlen(word)) == 0)
			return true;
	return false;
}

/*
 * password and sslpassword; of PostgreSQL 18 oauth_client_secret, scram_client_key and
 * scram_server_key; what sounds like these; and what is spelt with "%".
 */
static bool mask_is_secret(const char *keyword, size_t len)
{
	return memchr(keyword, '%', len) || mask_has_word(keyword, len, "password") ||
	       mask_has_word(keyword, len, "secret") || mask_has_word(keyword, len, "scram_");
}

static size_t mask_find(const char *text, const char *end, const char *stops)
{
	size_t len = strcspn(text, stops);

	return len < (size_t)(end - text) ? len : (size_t)(end - text);
}

/* Part of a URL: hides what stands in it behind "?password=" and "&password=". */
static void mask_parameters(const char *part, const char *end, struct strbuf *out)
{
	size_t len = mask_find(part, end, "?&");

	strbuf_append(out, part, len);
	for (part += len; part < end; part += len) {
		size_t keyword_len = 1 + mask_find(part + 1, end, "=&");

		len = 1 + mask_find(part + 1, end, "&");
		if (keyword_len < len && mask_is_secret(part + 1, keyword_len - 1)) {
			strbuf_append(out, part, keyword_len + 1);
			strbuf_puts(out, MASK);
		} else {
			strbuf_append(out, part, len);
		}
	}
}

/*
 * A password may hold any character, if somebody forgot to encode it. So it reaches from the first
 * ":" to the last "@" there is, wherever that may be; and where that may be a parameter's, to the
 * end of it. Both sides of it may be a query.
 */
static void mask_url(const char *url, const char *authority, struct strbuf *out)
{
	const char *colon = strchr(authority, ':'), *query = strchr(authority, '?');
	const char *at = strrchr(authority, '@');

	if (colon && at && colon < at) {
		bool in_value = query && query < at && memchr(query, '=', (size_t)(at - query));

		mask_parameters(url, colon, out);
		strbuf_puts(out, ":" MASK);
		url = in_value ? at + strcspn(at, "&") : at;
	}
	mask_parameters(url, url + strlen(url), out);
}

static const char *mask_skip_blanks(const char *text)
{
	return text + strspn(text, " \t\r\n\f\v");
}

/* The end of a keyword's value: in single quotes, or up to a blank; backslashes escape. */
static const char *mask_skip_value(const char *text)
{
	bool quoted = *text == '\'';

	if (quoted)
		text++;
	for (; *text; text++) {
		if (*text == '\\' && text[1])
			text++;
		else if (quoted ? *text == '\'' : mask_skip_blanks(text) > text)
			return text + quoted;
	}
	return text;
}

static void mask_keywords(const char *text, struct strbuf *out)
{
	while (*text) {
		const char *keyword = mask_skip_blanks(text);
		size_t keyword_len = strcspn(keyword, "= \t\r\n\f\v");
		const char *sign = mask_skip_blanks(keyword + keyword_len);
		const char *value = *sign == '=' ? mask_skip_blanks(sign + 1) : sign;
		const char *end = *sign == '=' ? mask_skip_value(value) : sign;

		if (*sign == '=' && mask_is_secret(keyword, keyword_len)) {
			strbuf_append(out, text, (size_t)(value - text));
			strbuf_puts(out, MASK);
		} else {
			strbuf_append(out, text, (size_t)(end - text));
		}
		text = end;
	}
}

void mask_service_url(const char *url, struct strbuf *out)
{
	size_t len = strcspn(url, "?");

	strbuf_append(out, url, len);
	if (url[len])
		strbuf_puts(out, "?" MASK);
}

void mask_database_url(const char *url, struct strbuf *out)
{
	const char *scheme_end = strstr(url, "://");

	if (scheme_end && !memchr(url, '=', (size_t)(scheme_end - url)))
		mask_url(url, scheme_end + 3, out);
	else
		mask_keywords(url, out);
}
