/*
 * What is asked of the Security Token Service, and what it answers: the Query protocol's forms and
 * XML. Pure but for memory, which is wiped.
 */
#pragma once

#include "aws/sts.h"
#include "base/strbuf.h"

/* "AssumeRole" */
const char *sts_codec_action(const struct sts_request *request);

/* "nexus-worker-HOST", as far as a session's name may hold that. */
void sts_codec_name_session(const char *host, char ret[static STS_SESSION_NAME_MAX + 1]);

/* Whether the service can accept it at all: 0, or -EINVAL and why not. */
int sts_codec_check(const struct sts_request *request, char ret_text[static CREDENTIALS_TEXT_MAX]);

/* Appends the form; session_name is the request's, or made. Its error is out's. */
void sts_codec_write(
	const struct sts_request *request, const char *session_name, struct strbuf *out);

/*
 * The credentials of an answer, whose `source` is the request's. Returns owned. -EBADMSG: it holds
 * none, and ret_what says what it is ("the answer is …"); -ENOMEM.
 */
int sts_codec_read(const char *xml, size_t len, const char *source,
	char ret_what[static CREDENTIALS_TEXT_MAX], struct credentials **ret);

/*
 * What an error says, "" where it does not; both are one line. As sts_codec_read(), with a constant
 * for what.
 */
#define STS_CODE_MAX    64
#define STS_MESSAGE_MAX 256
int sts_codec_read_error(const char *xml, size_t len, char ret_code[static STS_CODE_MAX],
	char ret_message[static STS_MESSAGE_MAX], const char **ret_what);
