#include "aws/credentials.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "aws/sigv4.h"

#define TOKEN_MAX (64u << 10) /* AWS names no limit; they have a few KB */

/* 9999-12-31T23:59:59Z: as it is written, a year has four digits. */
#define LAST_TIME INT64_C(253402300799)

/* ---- A snapshot ---- */

/* One piece of memory with all its strings, so that one wipe reaches everything. */
struct snapshot {
	size_t bytes;
	struct credentials c;
	char text[];
};

/* Copies text to *at, and moves *at behind it. */
static const char *place(const char *text, char **at)
{
	char *copy = *at;

	if (!text)
		return NULL;
	*at = stpcpy(copy, text) + 1;
	return copy;
}

/* Not empty, and printable ASCII without blanks and quotes. */
static bool looks_like_a_key(const char *text, size_t max_len)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\'')
			return false;
	return *text != '\0' && strlen(text) <= max_len;
}

/* Which field cannot be what it is said to be; NULL: all may. */
static const char *find_flaw(const struct credentials *fields)
{
	if (!looks_like_a_key(fields->access_key_id, SIGV4_SECRET_MAX))
		return "access key id";
	if (!looks_like_a_key(fields->secret_access_key, SIGV4_SECRET_MAX))
		return "secret access key";
	if (fields->session_token && !looks_like_a_key(fields->session_token, TOKEN_MAX))
		return "session token";
	return NULL;
}

int credentials_new(const struct credentials *fields, char ret_text[static CREDENTIALS_TEXT_MAX],
	struct credentials **ret)
{
	const char *token = fields->session_token, *flaw = find_flaw(fields);

	if (flaw)
		return credentials_failed(ret_text, -EINVAL,
			"%s: the %s holds a blank, a quote, a line end or another character that "
			"none has, or is far too long",
			fields->source, flaw);

	size_t bytes = sizeof(struct snapshot) + strlen(fields->access_key_id) + 1 +
		       strlen(fields->secret_access_key) + 1 + (token ? strlen(token) + 1 : 0) +
		       strlen(fields->source) + 1;
	struct snapshot *s = malloc(bytes);
	if (!s)
		return credentials_failed(ret_text, -ENOMEM, "out of memory");

	char *at = s->text;
	s->bytes = bytes;
	s->c.access_key_id = place(fields->access_key_id, &at);
	s->c.secret_access_key = place(fields->secret_access_key, &at);
	s->c.session_token = place(token, &at);
	s->c.source = place(fields->source, &at);
	s->c.expires_at = fields->expires_at;
	s->c.on_disk = fields->on_disk;
	atomic_init(&s->c.n_refs, 1);
	*ret = &s->c;
	return 0;
}

struct credentials *credentials_ref(struct credentials *c)
{
	if (c)
		atomic_fetch_add_explicit(&c->n_refs, 1, memory_order_relaxed);
	return c;
}

struct credentials *credentials_unref(struct credentials *c)
{
	if (!c)
		return NULL;
	unsigned before = atomic_fetch_sub_explicit(&c->n_refs, 1, memory_order_acq_rel);
	assert(before > 0);
	if (before > 1)
		return NULL;

	struct snapshot *s = container_of(c, struct snapshot, c);
	explicit_bzero(s, s->bytes);
	free(s);
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool credentials_equal(const struct credentials *a, const struct credentials *b)
{
	return same_text(a->access_key_id, b->access_key_id) &&
	       same_text(a->secret_access_key, b->secret_access_key) &&
	       same_text(a->session_token, b->session_token) && same_text(a->source, b->source) &&
	       a->expires_at == b->expires_at && a->on_disk == b->on_disk;
}

/* ---- For those who give credentials ---- */

int credentials_failed(char text[static CREDENTIALS_TEXT_MAX], int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, CREDENTIALS_TEXT_MAX, format, args);
	va_end(args);
	/* What a file has in two lines is quoted in one. */
	for (char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	return r;
}

int credentials_file_error(int r)
{
	bool is_scarce = r == -ENOMEM || r == -EAGAIN || r == -EMFILE || r == -ENFILE;

	return is_scarce ? r : -EINVAL;
}

const char *credentials_getenv(credentials_getenv_fn *getenv_fn, const char *name)
{
	const char *value = getenv_fn(name);

	return value && *value ? value : NULL;
}

bool credentials_getenv_is_true(credentials_getenv_fn *getenv_fn, const char *name)
{
	const char *value = credentials_getenv(getenv_fn, name);

	return value && strcasecmp(value, "true") == 0;
}

int credentials_parse_time(const char *text, usec_t *ret)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!rest)
		return -EINVAL;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");

	/* A fraction is dropped: to expire a moment early does no harm. */
	if (strcmp(rest, "Z") != 0) {
		struct tm zone = {0};
		const char *end = strptime(rest, "%z", &zone);
		if (!end || *end)
			return -EINVAL;
		tm.tm_sec -= (int)zone.tm_gmtoff;
	}
	time_t seconds = timegm(&tm);
	if (seconds < 0 || seconds > LAST_TIME)
		return -EINVAL;
	*ret = (usec_t)seconds * USEC_PER_SEC;
	return 0;
}
