#include "canonical.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "form.h"

/* More parameters than this are not a request for SQS. */
#define CANONICAL_PARAMETERS_MAX 64

static void canonical_encode(struct strbuf *out, const char *text, size_t len, const char *keep)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (isalnum(c) || (c != '\0' && strchr(keep, c)))
			strbuf_putc(out, (char)c);
		else
			strbuf_printf(out, "%%%02X", c);
	}
}

/* Puts the path together anew without empty, "." and ".." segments; a last "/" stays. */
static void canonical_normalize(const char *path, size_t len, struct strbuf *out)
{
	const char *end = path + len;

	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t n = (size_t)((slash ? slash : end) - path);
		if (n == 2 && memcmp(path, "..", 2) == 0) {
			while (out->len > 0 && out->data[--out->len] != '/')
				;
		} else if (n > 0 && !(n == 1 && *path == '.')) {
			strbuf_putc(out, '/');
			strbuf_append(out, path, n);
		}
		path += n + 1;
	}
	if (out->len == 0 || end[-1] == '/')
		strbuf_putc(out, '/');
}

/* Every service but S3 encodes the path as sent once more. */
static void canonical_path(struct strbuf *out, const char *path, size_t len)
{
	_cleanup_strbuf_ struct strbuf plain = STRBUF_INIT;

	canonical_normalize(path, len, &plain);
	canonical_encode(out, strbuf_str(&plain), plain.len, "-._~/");
}

/* One "name=value" with both parts decoded and encoded again; owned, NULL if that fails. */
static char *canonical_parameter(const char *text, size_t len)
{
	_cleanup_strbuf_ struct strbuf name = STRBUF_INIT, value = STRBUF_INIT, out = STRBUF_INIT;
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : len;
	size_t value_at = equals ? name_len + 1 : len;

	if (form_decode(&name, text, name_len, false) < 0 ||
		form_decode(&value, text + value_at, len - value_at, false) < 0)
		return NULL;
	canonical_encode(&out, strbuf_str(&name), name.len, "-._~");
	strbuf_putc(&out, '=');
	canonical_encode(&out, strbuf_str(&value), value.len, "-._~");
	return strbuf_take(&out);
}

/* By name, then by value: "=" must count as the end of the name, for it sorts before no letter. */
static int canonical_compare(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	size_t x_len = strcspn(x, "="), y_len = strcspn(y, "=");
	int by_name = memcmp(x, y, x_len < y_len ? x_len : y_len);

	if (by_name != 0)
		return by_name;
	if (x_len != y_len)
		return x_len < y_len ? -1 : 1;
	return strcmp(x + x_len, y + y_len);
}

static int canonical_query(struct strbuf *out, const char *query)
{
	char *parameters[CANONICAL_PARAMETERS_MAX] = {NULL};
	size_t n = 0;
	int r = 0;

	while (r == 0 && *query) {
		size_t len = strcspn(query, "&");
		if (len > 0) {
			char *parameter = n < CANONICAL_PARAMETERS_MAX
						  ? canonical_parameter(query, len)
						  : NULL;
			if (parameter)
				parameters[n++] = parameter;
			else
				r = -EBADMSG;
		}
		query += len;
		query += *query == '&';
	}

	qsort(parameters, n, sizeof *parameters, canonical_compare);
	for (size_t i = 0; i < n; i++) {
		strbuf_printf(out, "%s%s", i > 0 ? "&" : "", parameters[i]);
		free(parameters[i]);
	}
	return r;
}

/* Without blanks at both ends, and every run of blanks inside as one space. */
static void canonical_value(struct strbuf *out, const char *value, size_t len)
{
	bool begun = false, gap = false;

	for (size_t i = 0; i < len; i++) {
		if (isspace((unsigned char)value[i])) {
			gap = begun;
			continue;
		}
		if (gap)
			strbuf_putc(out, ' ');
		strbuf_putc(out, value[i]);
		begun = true;
		gap = false;
	}
}

/* "name:value,value\n", with every header of that name in the order of arrival. */
static int canonical_header(
	struct strbuf *out, const struct wire *wire, const char *name, size_t len)
{
	bool found = false;

	strbuf_append(out, name, len);
	for (size_t i = 0; i < wire->n_headers; i++) {
		const struct wire_header *header = &wire->headers[i];
		if (strlen(header->name) != len || strncasecmp(header->name, name, len) != 0)
			continue;
		strbuf_putc(out, found ? ',' : ':');
		canonical_value(out, header->value, header->value_len);
		found = true;
	}
	strbuf_putc(out, '\n');
	return found ? 0 : -EBADMSG;
}

static int canonical_headers(struct strbuf *out, const struct wire *wire, const char *names)
{
	const char *last = "";
	size_t last_len = 0;

	while (*names) {
		size_t len = strcspn(names, ";");
		size_t shorter = len < last_len ? len : last_len;
		int order = memcmp(last, names, shorter);
		if (order > 0 || (order == 0 && last_len >= len))
			return -EBADMSG;
		int r = canonical_header(out, wire, names, len);
		if (r < 0)
			return r;
		last = names;
		last_len = len;
		names += len;
		names += *names == ';';
	}
	return out->error;
}

int canonical_request(const struct wire *wire, const char *signed_headers, struct strbuf *ret)
{
	unsigned char hash[DIGEST_SHA256_SIZE];
	char hex[2 * DIGEST_SHA256_SIZE + 1];
	size_t path_len = strcspn(wire->target, "?");
	int r;

	strbuf_printf(ret, "%s\n", wire->method);
	canonical_path(ret, wire->target, path_len);
	strbuf_putc(ret, '\n');
	r = canonical_query(ret, wire->target + path_len + (wire->target[path_len] == '?'));
	if (r < 0)
		return r;
	strbuf_putc(ret, '\n');

	r = canonical_headers(ret, wire, signed_headers);
	if (r < 0)
		return r;
	digest_sha256(wire->body, wire->body_len, hash);
	digest_hex(hash, sizeof hash, hex);
	strbuf_printf(ret, "\n%s\n%s", signed_headers, hex);
	return ret->error;
}
