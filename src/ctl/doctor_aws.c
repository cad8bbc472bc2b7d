#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "conf/url.h"
#include "ctl/client.h"
#include "ctl/doctor.h"
#include "ctl/when.h"
#include "daemon/identity.h"

/* AWS refuses what is five minutes off. */
#define CLOCK_GOOD ((int64_t)(30 * USEC_PER_SEC))

/* Whether there is anything to sign with. */
static bool look_at_credentials(struct doctor *d, struct client *client)
{
	struct credential_store *store = identity_credentials(client_identity(client));
	const struct credentials *c = credential_store_current(store);
	usec_t now = skew_now(identity_skew(client_identity(client)));
	char until[WHEN_MAX];

	if (!c)
		doctor_say(d, DOCTOR_BAD, "credentials", NULL, "there are none: %s",
			credential_store_complaint(store));
	else if (c->expires_at == USEC_INFINITY)
		doctor_say(d, DOCTOR_GOOD, "credentials", NULL, "%s, without an end", c->source);
	else if (c->expires_at <= now)
		doctor_say(d, DOCTOR_BAD, "credentials", "renew them", "%s, ended at %s", c->source,
			when_utc(c->expires_at, until));
	else
		doctor_say(d, DOCTOR_GOOD, "credentials", NULL, "%s, good until %s", c->source,
			when_utc(c->expires_at, until));
	return c != NULL;
}

static bool look_at_region(struct doctor *d, struct client *client)
{
	const char *region = client_region(client);

	if (region[0])
		return true;
	doctor_say(d, DOCTOR_BAD, "region", NULL, "%s",
		identity_region_complaint(client_identity(client)));
	return false;
}

static void look_at_endpoint(struct doctor *d, const struct settings *settings)
{
	const char *endpoint = settings->queue.endpoint, *wrong;
	struct url url;

	if (url_parse(endpoint, &url, &wrong) < 0 || url.tls)
		doctor_say(d, DOCTOR_GOOD, "endpoint", NULL, "%s, over verified TLS", endpoint);
	else if (url_is_loopback(&url))
		doctor_say(d, DOCTOR_GOOD, "endpoint", NULL, "%s, on this machine", endpoint);
	else
		doctor_say(d, DOCTOR_WARNING, "endpoint", "give [queue] endpoint with https://",
			"%s: messages pass the network in the clear", endpoint);
}

/* One that is off by too much to be corrected has told of itself, with the queue. */
static void look_at_clock(struct doctor *d, struct client *client)
{
	static const char fix[] = "timedatectl set-ntp true";
	char text[CLOCK_DURATION_MAX];
	int64_t offset;

	if (!client_clock(client, &offset))
		return;
	usec_t size = (usec_t)llabs(offset) / USEC_PER_SEC * USEC_PER_SEC;
	const char *way = offset < 0 ? "ahead of" : "behind";

	clock_format_duration(size, text);
	if (llabs(offset) < CLOCK_GOOD)
		doctor_say(d, DOCTOR_GOOD, "clock", NULL, "%s %s AWS's", text, way);
	else if (!skew_matters(offset))
		doctor_say(d, DOCTOR_WARNING, "clock", fix,
			"%s %s AWS's; from five minutes on signatures are refused", text, way);
	else
		doctor_say(d, DOCTOR_WARNING, "clock", fix,
			"%s %s AWS's, which signatures are corrected by", text, way);
}

void doctor_look_at_aws(struct doctor *d, const struct settings *settings)
{
	_cleanup_(client_closep) struct client *client = NULL;
	char text[CLIENT_TEXT_MAX];

	look_at_endpoint(d, settings);
	if (client_try_open(settings, &client, text) != EXIT_SUCCESS) {
		doctor_say(d, DOCTOR_BAD, "credentials", NULL, "%s", text);
		return;
	}
	/* Of a clock that is off, or keys that cannot be renewed, our own lines tell. */
	log_set_level(LOG_CRIT);
	if (look_at_credentials(d, client) && look_at_region(d, client))
		doctor_look_at_queue(d, settings, client);
	look_at_clock(d, client);
}
