/*
 * What the parts of nexusctl doctor share: where they tell what they found.
 */
#pragma once

#include "conf/settings.h"
#include "ctl/ctl.h"

enum doctor_verdict {
	DOCTOR_GOOD,
	DOCTOR_WARNING, /* it works, but not as well as it could */
	DOCTOR_BAD,
};

struct doctor {
	const struct ctl *ctl;
	bool utf8;
	bool colours;
	bool found_bad;
};

/* One line. fix: what mends it, or NULL where the text says it, or nothing is to be mended. */
void doctor_say(struct doctor *d, enum doctor_verdict verdict, const char *check, const char *fix,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Each looks at its part, and blocks meanwhile. */
void doctor_look_at_aws(struct doctor *d, const struct settings *settings);
void doctor_look_at_database(struct doctor *d, const struct settings *settings);
void doctor_look_at_host(struct doctor *d, const struct settings *settings);

struct client;
/* Of a queue that is there: what may be done there, its attributes, its dead letter queue. */
void doctor_look_at_queue(struct doctor *d, const struct settings *settings, struct client *client);
