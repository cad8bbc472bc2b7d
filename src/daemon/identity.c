#include "daemon/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "aws/region.h"
#include "base/log.h"
#include "work/trouble.h"

#define SOURCE_MAX 256

#define REGION_CURE "set [queue] region or AWS_REGION, or mend this: "

struct identity {
	struct identity_options options;
	struct imds *imds;
	const char **program_environment; /* its strings are borrowed */
	struct region_search *search;     /* NULL: the region was given */
	char region[REGION_NAME_MAX + 1];
	char region_complaint[CREDENTIALS_TEXT_MAX];
	bool settled; /* the first search for credentials is over */
	struct credential_store *credentials;
	struct credential_watcher watcher;
	struct skew skew;
	struct trouble trouble;
	char source[SOURCE_MAX]; /* that was said; "": none yet */
};

/* No program's business: the database's password, and what systemd tells the daemon. */
static bool identity_is_ours(const char *variable)
{
	static const char *const beginnings[] = {
		"DATABASE_URL=",
		"NEXUS_",
		"PGPASSWORD=",
		"PGPASSFILE=",
		"PGSERVICEFILE=",
		"MAINPID=",
		"NOTIFY_SOCKET=",
		"WATCHDOG_",
		"LISTEN_",
		"CREDENTIALS_DIRECTORY=",
	};

	for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
		if (strncmp(variable, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

/* Returns owned; its strings are borrowed. NULL: no memory. */
static const char **identity_make_environment(void)
{
	size_t n = 0, kept = 0;

	while (environ[n])
		n++;
	const char **environment = calloc(n + 1, sizeof *environment);
	for (size_t i = 0; environment && i < n; i++)
		if (!identity_is_ours(environ[i]))
			environment[kept++] = environ[i];
	return environment;
}

/* "", or until when they are good, or were. */
static void identity_describe_end(
	const struct identity *identity, const struct credentials *c, char ret[64])
{
	time_t seconds = (time_t)(c->expires_at / USEC_PER_SEC);
	bool over = c->expires_at <= skew_now(&identity->skew);
	struct tm tm;

	ret[0] = '\0';
	if (c->expires_at != USEC_INFINITY && gmtime_r(&seconds, &tm))
		strftime(ret, 64,
			over ? ", which ended at %Y-%m-%dT%H:%M:%SZ"
			     : ", good until %Y-%m-%dT%H:%M:%SZ",
			&tm);
}

static void identity_found(struct identity *identity)
{
	const struct credentials *c = credential_store_current(identity->credentials);
	bool new_source = strncmp(identity->source, c->source, SOURCE_MAX - 1) != 0;
	char end[64];

	identity_describe_end(identity, c, end);
	log_event(new_source ? LOG_INFO : LOG_DEBUG, NULL, 0, "credentials: %s%s", c->source, end);
	snprintf(identity->source, SOURCE_MAX, "%s", c->source);
	trouble_end(&identity->trouble, "renewing credentials");
}

static void identity_on_ended(void *userdata, int r, const char *text)
{
	struct identity *identity = userdata;
	const struct credentials *c = credential_store_current(identity->credentials);
	char line[CREDENTIALS_TEXT_MAX + 128], end[64];
	bool found_first = r == 0 && identity->source[0] == '\0';

	if (r == 0) {
		identity_found(identity);
	} else if (c) {
		identity_describe_end(identity, c, end);
		snprintf(line, sizeof line, "credentials cannot be renewed: %s; at hand: %s%s",
			text, c->source, end);
		trouble_report(&identity->trouble, line);
	}
	if (found_first || !identity->settled) {
		identity->settled = true;
		identity->options.changed(identity->options.userdata);
	}
}

/* The token service has one host in each region. */
static void identity_set_region(struct identity *identity, const char *region)
{
	snprintf(identity->region, sizeof identity->region, "%s", region);
	credential_store_set_region(identity->credentials, identity->region);
}

static void identity_on_region(void *userdata, const char *region, const char *text)
{
	struct identity *identity = userdata;
	char complaint[CREDENTIALS_TEXT_MAX] = "";

	if (region) {
		log_info("region: %s, says the instance metadata service", region);
		identity_set_region(identity, region);
		credential_store_want(identity->credentials, NULL);
		identity->settled = !credential_store_is_searching(identity->credentials);
	} else {
		snprintf(complaint, sizeof complaint, REGION_CURE "%s", text);
	}
	if (region || strcmp(complaint, identity->region_complaint) != 0) {
		memcpy(identity->region_complaint, complaint, sizeof complaint);
		identity->options.changed(identity->options.userdata);
	}
}

static void identity_on_skew(void *userdata, const struct skew *skew)
{
	struct identity *identity = userdata;
	usec_t size = (usec_t)(skew->usec < 0 ? -skew->usec : skew->usec);
	char text[CLOCK_DURATION_MAX];

	credential_store_clock_changed(identity->credentials);
	if (size == 0)
		log_notice("this machine's clock is right again: signatures are not corrected any "
			   "more");
	else
		log_as(EVENT_CLOCK_WRONG, LOG_WARNING,
			"this machine's clock is %s %s AWS's: signatures are corrected by "
			"that; have the clock set (timedatectl set-ntp true)",
			clock_format_duration(
				(size + USEC_PER_MIN / 2) / USEC_PER_MIN * USEC_PER_MIN, text),
			skew->usec < 0 ? "ahead of" : "behind");
}

static void identity_complain(const struct identity *identity, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void identity_complain(const struct identity *identity, const char *format, ...)
{
	char text[CREDENTIALS_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (identity->options.complaint)
		memcpy(identity->options.complaint, text, sizeof text);
	else
		log_as(EVENT_CREDENTIALS_AWAY, LOG_ERR, "%s", text);
}

static int identity_look_for_region(struct identity *identity)
{
	char text[CREDENTIALS_TEXT_MAX];

	if (identity->options.region[0]) {
		identity_set_region(identity, identity->options.region);
		return 0;
	}
	int r = region_search_new(
		identity->imds, identity_on_region, identity, text, &identity->search);
	if (r < 0)
		identity_complain(
			identity, "no AWS region to sign requests with: " REGION_CURE "%s", text);
	/* That the service is disabled is said in the environment. */
	return r == -ENOENT ? -EINVAL : r;
}

static int identity_look_for_credentials(struct identity *identity)
{
	char text[CREDENTIALS_TEXT_MAX];

	int r = credential_store_reload(identity->credentials, text);
	identity->settled = r != -EINPROGRESS;
	if (r == 0)
		identity_found(identity);
	/* The store goes on by itself, and who wants to sign meanwhile says why it cannot. */
	if (r != -ENOENT && r != -EINVAL)
		return 0;
	identity_complain(identity, "no AWS credentials: %s", text);
	return -EINVAL;
}

int identity_new(struct http *http, const struct identity_options *options, struct identity **ret)
{
	_cleanup_(identity_freep) struct identity *identity = calloc(1, sizeof *identity);

	if (!identity)
		return -ENOMEM;
	identity->options = *options;
	identity->trouble =
		(struct trouble){.away = EVENT_CREDENTIALS_AWAY, .back = EVENT_CREDENTIALS_BACK};
	identity->skew = (struct skew){.changed = identity_on_skew, .userdata = identity};
	identity->program_environment = identity_make_environment();
	if (!identity->program_environment)
		return -ENOMEM;
	int r = imds_new(http, getenv, &identity->imds);
	if (r < 0)
		return r;
	const struct credential_store_options store = {
		.means =
			{
				.getenv = getenv,
				.program_environment = identity->program_environment,
				.http = http,
				.imds = identity->imds,
				.skew = &identity->skew,
			},
	};
	r = credential_store_new(&store, &identity->credentials);
	if (r < 0)
		return r;
	identity->watcher = (struct credential_watcher){
		.ended = identity_on_ended,
		.userdata = identity,
	};
	credential_store_watch(identity->credentials, &identity->watcher);
	r = identity_look_for_region(identity);
	r = r < 0 ? r : identity_look_for_credentials(identity);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(identity);
	return 0;
}

struct identity *identity_free(struct identity *identity)
{
	if (!identity)
		return NULL;
	region_search_free(identity->search);
	if (identity->credentials)
		credential_store_unwatch(identity->credentials, &identity->watcher);
	credential_store_free(identity->credentials);
	imds_free(identity->imds);
	free(identity->program_environment);
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

const char *identity_region(const struct identity *identity)
{
	return identity->region;
}

const char *identity_region_complaint(const struct identity *identity)
{
	return identity->region_complaint;
}

bool identity_is_settled(const struct identity *identity)
{
	return identity->settled && (identity->region[0] || identity->region_complaint[0]);
}

void identity_clock_jumped(struct identity *identity)
{
	skew_forget(&identity->skew);
	credential_store_clock_changed(identity->credentials);
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
