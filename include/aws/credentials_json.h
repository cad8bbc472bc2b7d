/*
 * The JSON object in which programs, containers' agents and the instance's metadata service hand
 * out credentials:
 *
 *     {"AccessKeyId": …, "SecretAccessKey": …, TOKEN: …, "Expiration": "2026-01-02T03:04:05Z"}
 *
 * and, where there are none, {"Code": …, "Message": …}, whose names may be in small letters. Pure.
 * Members that are not known are passed over, null or an empty text count as absent.
 */
#pragma once

#include "aws/credentials.h"
#include "base/strbuf.h"

/* What differs from one to the other; borrowed. */
struct credentials_json_form {
	const char *source;     /* of the credentials, and what texts begin with */
	const char *token_name; /* "SessionToken", "Token" */
	bool versioned;         /* "Version" must be there and be the number 1 */
	bool temporary;         /* token and expiration must be there */
	const char *secret;     /* what was sent along, which no text repeats; NULL: nothing */
};

/*
 * Returns owned; without "Expiration" they never expire. -EACCES: the object has another code than
 * "Success"; -EBADMSG: it is not such an object; -ENOMEM. Then ret_text says why in one line, which
 * quotes no more than code and message, and not those if they repeat the secret.
 */
int credentials_json_read(const char *json, size_t len, const struct credentials_json_form *form,
	char ret_text[static CREDENTIALS_TEXT_MAX], struct credentials **ret);

/*
 * Appends the object as a container's endpoint gives it, all four members with a text: where there
 * is no token "", and expires_at (in the units of CLOCK_REALTIME) whatever c says of it. 0,
 * -ENOBUFS past the buffer's ceiling, -ENOMEM. The buffer then holds secrets.
 */
int credentials_json_write(const struct credentials *c, usec_t expires_at, struct strbuf *json);
