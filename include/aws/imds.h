/*
 * EC2's instance metadata service, version 2: a session token by PUT, and GETs that carry it.
 * Version 1, which whoever can have a URL fetched may ask, is not spoken.
 *
 * Owns: the token (for six hours; renewed two minutes early, and once more when it is refused),
 * and the questions that are out. Every question that was begun ends in exactly one callback, from
 * the loop and never from inside the function that began it; after imds_cancel() none comes. Loop
 * thread only; never blocks. No proxy is ever asked.
 *
 *     AWS_EC2_METADATA_DISABLED               true: nothing is ever asked
 *     AWS_EC2_METADATA_SERVICE_ENDPOINT       a URL, instead of http://169.254.169.254
 *     AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE  IPv6: http://[fd00:ec2::254], where no URL is given
 *     AWS_METADATA_SERVICE_TIMEOUT            seconds to connect, and again to answer: 1
 *     AWS_METADATA_SERVICE_NUM_ATTEMPTS       1
 *
 * Texts are one line with the cure, and hold neither a token nor anything that was answered.
 */
#pragma once

#include "aws/credentials.h"
#include "net/http.h"

struct imds;
struct imds_call;

/*
 *     0         body is what the path holds: text, without a NUL in it
 *     -ENOENT   nobody is there, nor ever was: this is no EC2 instance
 *     -ENODATA  the service has nothing at that path
 *     another   it fails, and may work later; never -EINVAL or -EINPROGRESS
 *
 * Both are borrowed until the callback returns; text is "" or body NULL.
 */
typedef void imds_done_fn(void *userdata, int r, const char *text, const char *body);

struct imds_request {
	const char *path; /* begins with "/" */
	size_t max_answer;
	imds_done_fn *done;
	void *userdata;
};

/* Borrows http for its life; reads the environment once. 0 or -ENOMEM. */
int imds_new(struct http *http, credentials_getenv_fn *getenv_fn, struct imds **ret);
/* Cancels what is out. Before http; not from inside a callback. Returns NULL. */
struct imds *imds_free(struct imds *imds);
DEFINE_CLEANUP(struct imds *, imds_free)

/* The loop; borrowed. */
sd_event *imds_event(const struct imds *imds);

/* What every question carries, which no text may repeat; borrowed until the loop goes on. */
const char *imds_token(const struct imds *imds);

/*
 * 0: the callback will come; the call is gone when it returns. Otherwise it will not, and ret_text
 * says why: -ENOENT (disabled), -EINVAL (a variable is wrong), -ENOMEM.
 */
int imds_get(struct imds *imds, const struct imds_request *request,
	char ret_text[static CREDENTIALS_TEXT_MAX], struct imds_call **ret_call);
/* Not from inside its own callback. */
void imds_cancel(struct imds_call *call);
