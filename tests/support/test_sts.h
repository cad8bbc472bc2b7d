/*
 * A token service that answers what a test says, and what it was asked last. One at a time; all is
 * set and looked at while it has nothing to do.
 */
#pragma once

#include <stddef.h>

void test_sts_start(void);
void test_sts_stop(void);
/* http://127.0.0.1:PORT, borrowed. */
const char *test_sts_url(void);

/*
 * One answer more, borrowed; the last one is repeated. headers: whole lines, or "". status 0: no
 * answer.
 */
void test_sts_answers(unsigned status, const char *headers, const char *body);
/* Forgets them. */
void test_sts_forget(void);

/* A good answer, with these keys, that are good until 2037. */
#define TEST_STS_KEYS(action, id, secret, token)                                                   \
	"<" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"                 \
	"<" action "Result><AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn>"            \
	"</AssumedRoleUser><Credentials><AccessKeyId>" id "</AccessKeyId>"                         \
	"<SecretAccessKey>" secret "</SecretAccessKey><SessionToken>" token "</SessionToken>"      \
	"<Expiration>2037-01-02T03:04:05Z</Expiration></Credentials></" action "Result>"           \
	"<ResponseMetadata><RequestId>c6104cbe</RequestId></ResponseMetadata></" action            \
	"Response>"

/* A refusal. */
#define TEST_STS_ERROR(code, message)                                                              \
	"<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"               \
	"<Type>Sender</Type><Code>" code "</Code><Message>" message "</Message></Error>"           \
	"<RequestId>c6104cbe</RequestId></ErrorResponse>"

unsigned test_sts_requests(void);
/* Of the last request; borrowed until the next. */
const char *test_sts_form(void);
/* As test_request_header(). */
const char *test_sts_header(const char *name);
