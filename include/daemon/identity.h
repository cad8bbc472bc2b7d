/*
 * Who the daemon is to AWS: its credentials, its region and its clock, and what the log says of
 * them. A program that gives keys sees of the environment all but what is the daemon's alone.
 *
 * Owns the credential store, the skew, and what asks the instance's metadata service. Says once
 * which source was chosen and until when its keys are good, once which region was found, once by
 * how much the clock is off, and that keys cannot be renewed for as long as that lasts; requests
 * for which there are no keys at all, or no region, say so themselves. Loop thread only.
 */
#pragma once

#include "aws/credential_store.h"

struct identity;

/* More is known, or why it is not. From the loop. */
typedef void identity_fn(void *userdata);

struct identity_options {
	const char *region; /* "": the metadata service is asked for it */
	char *complaint;    /* CREDENTIALS_TEXT_MAX bytes for why -EINVAL; NULL: for the log */
	identity_fn *changed;
	void *userdata;
};

/*
 * Looks for credentials at once, and for the region. Borrows http for its life, copies the options.
 * 0; -EINVAL: there are none, or what is configured is wrong, editing local files cures it, and
 * that was said; -ENOMEM, or sd-event's. What somebody else has to be asked for, or what this
 * machine has not enough of just now, is no error: it comes later.
 */
int identity_new(struct http *http, const struct identity_options *options, struct identity **ret);
/* Before http. Returns NULL. */
struct identity *identity_free(struct identity *identity);
DEFINE_CLEANUP(struct identity *, identity_free)

/* Borrowed. */
struct credential_store *identity_credentials(struct identity *identity);
struct skew *identity_skew(struct identity *identity);
/* "" while it is not known. */
const char *identity_region(const struct identity *identity);
/* Why it is not, in one line with the cure; "" before the first answer. */
const char *identity_region_complaint(const struct identity *identity);

/* Whether everybody who was asked first has answered, be it with what was asked for or not. */
bool identity_is_settled(const struct identity *identity);

/* The machine's clock jumped: its correction is learnt anew, and what expires looked at again. */
void identity_clock_jumped(struct identity *identity);

/* Looks again: on SIGHUP. What becomes of it is logged. */
void identity_reload(struct identity *identity);
