#include "daemon/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "work/trouble.h"

#define SOURCE_MAX 256

struct identity {
	struct credential_store *credentials;
	struct credential_watcher watcher;
	struct skew skew;
	struct trouble trouble;
	char source[SOURCE_MAX]; /* that was said; "": none yet */
};

/* "", or until when they are good. */
static void identity_describe_end(const struct credentials *c, char ret[64])
{
	time_t seconds = (time_t)(c->expires_at / USEC_PER_SEC);
	struct tm tm;

	ret[0] = '\0';
	if (c->expires_at != USEC_INFINITY && gmtime_r(&seconds, &tm))
		strftime(ret, 64, ", good until %Y-%m-%dT%H:%M:%SZ", &tm);
}

static void identity_found(struct identity *identity)
{
	const struct credentials *c = credential_store_current(identity->credentials);
	bool new_source = strncmp(identity->source, c->source, SOURCE_MAX - 1) != 0;
	char end[64];

	identity_describe_end(c, end);
	log_event(new_source ? LOG_INFO : LOG_DEBUG, NULL, 0, "credentials: %s%s", c->source, end);
	snprintf(identity->source, SOURCE_MAX, "%s", c->source);
	trouble_end(&identity->trouble, "renewing credentials");
}

static void identity_on_ended(void *userdata, int r, const char *text)
{
	struct identity *identity = userdata;
	const struct credentials *c = credential_store_current(identity->credentials);
	char line[CREDENTIALS_TEXT_MAX + 128], end[64];

	if (r == 0) {
		identity_found(identity);
	} else if (c) {
		identity_describe_end(c, end);
		snprintf(line, sizeof line, "credentials cannot be renewed: %s; those of %s stay%s",
			text, c->source, end);
		trouble_report(&identity->trouble, line);
	}
}

static void identity_on_skew(void *userdata, const struct skew *skew)
{
	usec_t size = (usec_t)(skew->usec < 0 ? -skew->usec : skew->usec);
	char text[CLOCK_DURATION_MAX];

	(void)userdata;
	if (size == 0)
		log_notice("this machine's clock is right again: signatures are not corrected any "
			   "more");
	else
		log_warning("this machine's clock is %s %s AWS's: signatures are corrected by "
			    "that; have the clock set (timedatectl set-ntp true)",
			clock_format_duration(size - size % USEC_PER_SEC, text),
			skew->usec < 0 ? "ahead of" : "behind");
}

static int identity_look(struct identity *identity)
{
	char text[CREDENTIALS_TEXT_MAX] = "";

	int r = credential_store_reload(identity->credentials, text);
	if (r == 0)
		identity_found(identity);
	if (r == 0 || r == -EINPROGRESS)
		return 0;
	log_error("%s", text);
	/* Whatever it is about the files, editing them or their modes cures it. */
	return r == -ENOMEM ? r : -EINVAL;
}

int identity_new(struct http *http, const char *region, struct identity **ret)
{
	_cleanup_(identity_freep) struct identity *identity = calloc(1, sizeof *identity);

	if (!identity)
		return -ENOMEM;
	identity->skew = (struct skew){.changed = identity_on_skew, .userdata = identity};
	const struct credential_store_options options = {
		.means =
			{
				.getenv = getenv,
				.http = http,
				.skew = &identity->skew,
				.region = region,
			},
	};
	int r = credential_store_new(&options, &identity->credentials);
	if (r < 0)
		return r;
	identity->watcher = (struct credential_watcher){
		.ended = identity_on_ended,
		.userdata = identity,
	};
	credential_store_watch(identity->credentials, &identity->watcher);
	r = identity_look(identity);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(identity);
	return 0;
}

struct identity *identity_free(struct identity *identity)
{
	if (!identity)
		return NULL;
	if (identity->credentials)
		credential_store_unwatch(identity->credentials, &identity->watcher);
	credential_store_free(identity->credentials);
	free(identity);
	return NULL;
}

struct credential_store *identity_credentials(struct identity *identity)
{
	return identity->credentials;
}

struct skew *identity_skew(struct identity *identity)
{
	return &identity->skew;
}

void identity_reload(struct identity *identity)
{
	char text[CREDENTIALS_TEXT_MAX] = "";
	int r = credential_store_reload(identity->credentials, text);

	if (r == 0)
		identity_found(identity);
	else if (r != -EINPROGRESS)
		log_warning("reload: credentials stay as they were: %s", text);
}
