/*
 * The canonical request: plain text, no cryptography. Where the documentation leaves a choice,
 * this does what AWS' own SDKs do.
 */
#include "aws/sigv4.h"

#include <errno.h>
#include <string.h>

/* What a proxy may add, drop or change, and the signature itself. In lower case. */
static const char *const NEVER_SIGNED[] = {
	"authorization",
	"connection",
	"expect",
	"keep-alive",
	"proxy-authenticate",
	"proxy-authorization",
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
	"user-agent",
	"x-amzn-trace-id",
};

#define N_NEVER_SIGNED (sizeof NEVER_SIGNED / sizeof *NEVER_SIGNED)

/* <ctype.h> follows the locale; a signature must not. */
static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = to_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ---- Headers ---- */

static int name_compare(const char *a, const char *b)
{
	while (*a && to_lower(*a) == to_lower(*b)) {
		a++;
		b++;
	}
	return (unsigned char)to_lower(*a) - (unsigned char)to_lower(*b);
}

/* Is name, in any case, these len bytes of lower case? */
static bool name_equals(const char *name, const char *lower, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (to_lower(name[i]) != lower[i])
			return false;
	return name[len] == '\0';
}

static bool name_is_signed(const char *name)
{
	for (size_t i = 0; i < N_NEVER_SIGNED; i++)
		if (name_compare(name, NEVER_SIGNED[i]) == 0)
			return false;
	return true;
}

/* Keeps sorted[] in order and free of repetitions. */
static void insert_name(const char *name, const char **sorted, size_t *n_sorted)
{
	size_t at = *n_sorted;
	int order = 1;

	while (at > 0 && (order = name_compare(name, sorted[at - 1])) < 0)
		at--;
	if (at > 0 && order == 0)
		return;
	memmove(sorted + at + 1, sorted + at, (*n_sorted - at) * sizeof *sorted);
	sorted[at] = name;
	(*n_sorted)++;
}

int sigv4_signed_headers(const struct sigv4_header *headers, size_t n_headers, struct strbuf *ret)
{
	const char *sorted[SIGV4_HEADERS_MAX];
	size_t n_sorted = 0, start = ret->len;

	if (n_headers > SIGV4_HEADERS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n_headers; i++)
		if (name_is_signed(headers[i].name))
			insert_name(headers[i].name, sorted, &n_sorted);

	for (size_t i = 0; i < n_sorted; i++) {
		if (i > 0)
			strbuf_putc(ret, ';');
		strbuf_puts(ret, sorted[i]);
	}
	if (ret->error < 0)
		return ret->error;
	for (size_t i = start; i < ret->len; i++)
		ret->data[i] = to_lower(ret->data[i]);
	return 0;
}

/* Trimmed, and every run of white space one space. */
static void append_value(const char *value, struct strbuf *ret)
{
	for (bool first = true;; first = false) {
		while (is_space(*value))
			value++;
		if (!*value)
			return;
		if (!first)
			strbuf_putc(ret, ' ');

		const char *word = value;
		while (*value && !is_space(*value))
			value++;
		strbuf_append(ret, word, (size_t)(value - word));
	}
}

/* One line for the header, whose values are joined in order of arrival. */
static int append_header(
	const struct sigv4_request *request, const char *name, size_t name_len, struct strbuf *ret)
{
	char separator = ':';

	strbuf_append(ret, name, name_len);
	for (size_t i = 0; i < request->n_headers; i++) {
		if (!name_equals(request->headers[i].name, name, name_len))
			continue;
		strbuf_putc(ret, separator);
		append_value(request->headers[i].value, ret);
		separator = ',';
	}
	strbuf_putc(ret, '\n');
	return separator == ',' ? 0 : -EINVAL;
}

static int append_headers(
	const struct sigv4_request *request, const char *signed_headers, struct strbuf *ret)
{
	const char *name = signed_headers;

	while (*name) {
		size_t len = strcspn(name, ";");
		int r = append_header(request, name, len, ret);
		if (r < 0)
			return r;
		name += len;
		if (*name == ';')
			name++;
	}
	return 0;
}

/* ---- Path ---- */

int sigv4_encode(const char *text, size_t len, bool keep_slash, struct strbuf *ret)
{
	static const char HEX[] = "0123456789ABCDEF";
	size_t done = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (is_unreserved(text[i]) || (keep_slash && c == '/'))
			continue;
		strbuf_append(ret, text + done, i - done);
		strbuf_append(ret, (char[]){'%', HEX[c >> 4], HEX[c & 15]}, 3);
		done = i + 1;
	}
	return strbuf_append(ret, text + done, len - done);
}

static void append_path_text(
	const struct sigv4_request *request, const char *text, size_t len, struct strbuf *ret)
{
	if (request->flags & SIGV4_ENCODE_ONCE)
		strbuf_append(ret, text, len);
	else
		sigv4_encode(text, len, true, ret);
}

/* Takes off the last segment of what was appended behind start. */
static void drop_segment(struct strbuf *ret, size_t start)
{
	size_t len = ret->len;

	while (len > start && ret->data[--len] != '/')
		;
	strbuf_truncate(ret, len);
}

/* RFC 3986, 5.2.4, and beyond it "//" becomes "/". */
static void append_normalized_path(const struct sigv4_request *request, struct strbuf *ret)
{
	size_t start = ret->len;
	const char *segment = request->path, *end = segment;

	for (; *segment; segment = end + (*end == '/')) {
		end = strchrnul(segment, '/');
		size_t len = (size_t)(end - segment);

		if (len == 0 || (len == 1 && segment[0] == '.'))
			continue;
		if (len == 2 && memcmp(segment, "..", 2) == 0) {
			drop_segment(ret, start);
			continue;
		}
		strbuf_putc(ret, '/');
		append_path_text(request, segment, len, ret);
	}
	if (ret->len == start || *end == '/')
		strbuf_putc(ret, '/');
}

static int append_path(const struct sigv4_request *request, struct strbuf *ret)
{
	if (request->path[0] == '\0')
		return strbuf_putc(ret, '/');
	if (request->path[0] != '/')
		return -EINVAL;
	if (request->flags & SIGV4_KEEP_PATH)
		append_path_text(request, request->path, strlen(request->path), ret);
	else
		append_normalized_path(request, ret);
	return ret->error;
}

/* ---- Query ---- */

struct parameter {
	const char *name;
	const char *value;
};

/* As by decoding and encoding: what was encoded more or less than is canonical comes out right. */
static void recode(const char *text, size_t len, struct strbuf *ret)
{
	for (size_t i = 0; i < len; i++) {
		int high = text[i] == '%' && i + 2 < len ? hex_value(text[i + 1]) : -1;
		int low = high >= 0 ? hex_value(text[i + 2]) : -1;
		char c = text[i];

		if (low >= 0) {
			c = (char)(high << 4 | low);
			i += 2;
		}
		sigv4_encode(&c, 1, false, ret);
	}
}

static int parameter_compare(const void *a, const void *b)
{
	const struct parameter *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->value, y->value);
}

/* "name NUL value NUL" for each parameter. Returns how many there are. */
static size_t recode_parameters(const char *query, struct strbuf *ret)
{
	size_t n_parameters = 0;

	for (const char *end; *query; query = end + (*end == '&')) {
		end = strchrnul(query, '&');
		const char *equals = memchr(query, '=', (size_t)(end - query));
		const char *name_end = equals ? equals : end;

		if (end == query)
			continue;
		recode(query, (size_t)(name_end - query), ret);
		strbuf_putc(ret, '\0');
		if (equals)
			recode(equals + 1, (size_t)(end - equals - 1), ret);
		strbuf_putc(ret, '\0');
		n_parameters++;
	}
	return n_parameters;
}

static int append_query(const char *query, struct strbuf *ret)
{
	_cleanup_(strbuf_wipe) struct strbuf recoded = STRBUF_INIT;
	_cleanup_free_ struct parameter *parameters = NULL;

	if (!query || !*query)
		return 0;
	size_t n_parameters = recode_parameters(query, &recoded);
	if (recoded.error < 0)
		return recoded.error;
	parameters = calloc(n_parameters + 1, sizeof *parameters);
	if (!parameters)
		return -ENOMEM;

	const char *at = strbuf_str(&recoded);
	for (size_t i = 0; i < n_parameters; i++) {
		parameters[i].name = at;
		parameters[i].value = at + strlen(at) + 1;
		at = parameters[i].value + strlen(parameters[i].value) + 1;
	}
	qsort(parameters, n_parameters, sizeof *parameters, parameter_compare);

	for (size_t i = 0; i < n_parameters; i++) {
		if (i > 0)
			strbuf_putc(ret, '&');
		strbuf_puts(ret, parameters[i].name);
		strbuf_putc(ret, '=');
		strbuf_puts(ret, parameters[i].value);
	}
	return ret->error;
}

/* ---- All of it ---- */

int sigv4_canonical_request(const struct sigv4_request *request, const char *signed_headers,
	const char *payload_hash, struct strbuf *ret)
{
	int r;

	strbuf_puts(ret, request->method);
	strbuf_putc(ret, '\n');
	r = append_path(request, ret);
	if (r < 0)
		return r;
	strbuf_putc(ret, '\n');
	r = append_query(request->query, ret);
	if (r < 0)
		return r;
	strbuf_putc(ret, '\n');
	r = append_headers(request, signed_headers, ret);
	if (r < 0)
		return r;
	strbuf_putc(ret, '\n');
	strbuf_puts(ret, signed_headers);
	strbuf_putc(ret, '\n');
	return strbuf_puts(ret, payload_hash);
}
