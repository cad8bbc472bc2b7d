#include "aws/signer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* AWS refuses signatures that are 5 minutes off; a date within that needs no correction. */
#define DATE_YEAR_MIN 2020
#define DATE_YEAR_MAX 2100

#define CLOCK_TOLERANCE ((int64_t)(5 * USEC_PER_MIN))
#define RELOAD_PAUSE    (1 * USEC_PER_SEC)

struct signer {
	struct credential_store *store;
	struct sigv4 *sigv4;
	char *region;
	char *service;
	int64_t clock_offset; /* theirs minus ours, microseconds; 0 while that is within bounds */
	usec_t reloaded_at;   /* CLOCK_MONOTONIC; 0: never */
	char complaint[CREDENTIALS_TEXT_MAX];
};

int signer_new(struct credential_store *store, const char *region, const char *service,
	struct signer **ret)
{
	_cleanup_(signer_freep) struct signer *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	s->store = store;
	s->region = strdup(region);
	s->service = strdup(service);
	if (!s->region || !s->service)
		return -ENOMEM;

	int r = sigv4_new(&s->sigv4);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

struct signer *signer_free(struct signer *s)
{
	if (!s)
		return NULL;
	sigv4_free(s->sigv4);
	free(s->region);
	free(s->service);
	free(s);
	return NULL;
}

const char *signer_region(const struct signer *s)
{
	return s->region;
}

/* Not at every answer, for as long as AWS refuses what the sources give. */
static void signer_reload(struct signer *s)
{
	usec_t now = clock_monotonic();

	if (s->reloaded_at > 0 && now - s->reloaded_at < RELOAD_PAUSE)
		return;
	s->reloaded_at = now;
	s->complaint[0] = '\0';

	char text[CREDENTIALS_TEXT_MAX];
	int r = credential_store_reload(s->store, text);
	if (r < 0 && r != -EINPROGRESS)
		memcpy(s->complaint, text, sizeof text);
}

struct credentials *signer_credentials(struct signer *s)
{
	if (!credential_store_current(s->store))
		signer_reload(s);
	return credential_store_current(s->store);
}

const char *signer_complaint(const struct signer *s)
{
	return s->complaint;
}

int signer_sign(struct signer *s, const struct credentials *c, const struct sigv4_request *request,
	struct sigv4_signed *ret)
{
	const struct sigv4_keys keys = {
		.access_key_id = c->access_key_id,
		.secret_access_key = c->secret_access_key,
		.session_token = c->session_token,
	};
	char timestamp[SIGV4_TIMESTAMP_SIZE];
	const struct sigv4_scope scope = {timestamp, s->region, s->service};

	int r = sigv4_format_timestamp(clock_realtime() + (usec_t)s->clock_offset, timestamp);
	if (r < 0)
		return r;
	return sigv4_sign(s->sigv4, &keys, &scope, request, ret);
}

void signer_heard_date(struct signer *s, const char *date)
{
	struct tm tm = {0};

	if (!date || !strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		return;

	int64_t ours = (int64_t)clock_realtime();
	int64_t theirs = (int64_t)timegm(&tm) * (int64_t)USEC_PER_SEC;
	/* A date that nobody's clock shows would make signatures that cannot even be written. */
	if (tm.tm_year < DATE_YEAR_MIN - 1900 || tm.tm_year > DATE_YEAR_MAX - 1900)
		return;
	if (llabs(theirs - (ours + s->clock_offset)) >= CLOCK_TOLERANCE)
		s->clock_offset = theirs - ours;
}

void signer_was_refused(struct signer *s, const struct credentials *c)
{
	if (c == credential_store_current(s->store))
		signer_reload(s);
}
