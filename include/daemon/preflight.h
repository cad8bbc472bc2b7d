/*
 * Looks at the queue before anything is received, and again every few minutes: its visibility
 * timeout, its redrive policy, and whether this key may extend a visibility (tried on a receipt
 * handle that cannot be one, so without any effect).
 *
 * What is wrong is said once and then each minute, and it asks again, without an end, until it
 * knows. Owns: its requests and a timer. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "aws/sqs.h"
#include "work/lease.h"

/* asked: V is not the queue's own and has to be asked for in each receive. */
typedef void preflight_fn(void *userdata, const struct lease_terms *terms, bool asked);

struct preflight;

/* visibility_timeout: as configured; 0: the queue's own. Borrows event and sqs. */
int preflight_new(sd_event *event, struct sqs *sqs, usec_t visibility_timeout, preflight_fn *known,
	void *userdata, struct preflight **ret);
struct preflight *preflight_free(struct preflight *preflight);
DEFINE_CLEANUP(struct preflight *, preflight_free)

/* From the next look on, which comes at once. */
void preflight_configure(struct preflight *preflight, usec_t visibility_timeout);

/* What keeps it from knowing; "" when it knows. */
const char *preflight_trouble(const struct preflight *preflight);
