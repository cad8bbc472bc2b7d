/*
 * What went wrong with a question to the Security Token Service: its codes become an errno here and
 * nowhere else, and every failure gets a line that says what to do about it.
 *
 * Pure. Lines are printable ASCII, the same for the same fault. They name host, action, role and
 * the source of the keys that sign; what the service says is quoted only where it repeats nothing
 * of what was sent.
 */
#pragma once

#include "aws/sts_codec.h"
#include "net/http.h"

/* Whom was asked for what; borrowed. */
struct sts_fault_place {
	const char *host;
	const struct sts_request *request;
	int64_t clock_usec; /* AWS's clock minus ours, by the answer's Date; 0: not known */
};

struct sts_fault {
	int error;          /* as sts_done_fn has it */
	bool bad_signature; /* perhaps by a clock that is wrong */
	char text[CREDENTIALS_TEXT_MAX];
};

/* No answer, or one with a status other than 200. */
void sts_fault_of_answer(const struct sts_fault_place *place, const struct http_response *response,
	struct sts_fault *ret);
/* One with 200 that could not be read: r and what are from sts_codec_read(). */
void sts_fault_of_shape(
	const struct sts_fault_place *place, int r, const char *what, struct sts_fault *ret);
