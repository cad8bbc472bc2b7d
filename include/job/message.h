/*
 * A queue message's body, read strictly: a JSON object (RFC 8259) whose members jobId and type are
 * non-empty strings and which has a member payload of any JSON value. Unknown members are ignored.
 *
 * Pure: no allocation, no thread, no clock. The body is anybody's who may send to the queue, so
 * every refusal has a text, and none quotes the body.
 */
#pragma once

#include <stddef.h>

#define MESSAGE_ID_MAX    255 /* bytes of jobId */
#define MESSAGE_TYPE_MAX  64  /* bytes of type */
#define MESSAGE_DEPTH_MAX 128 /* arrays and objects inside each other */

struct message {
	char job_id[MESSAGE_ID_MAX + 1];
	char type[MESSAGE_TYPE_MAX + 1];
	/* The payload's bytes just as they stand in the body. */
	size_t payload_offset;
	size_t payload_len;
};

/* 0, or -EBADMSG and the reason, a constant text, in ret_reason; ret is then left alone. */
int message_parse(const char *body, size_t len, struct message *ret, const char **ret_reason);
