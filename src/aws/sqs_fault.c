#include "aws/sqs_fault.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json_read.h"
#include "base/quote.h"

#define QUOTE_SIZE 176

static const struct {
	const char *code; /* without "AWS.SimpleQueueService." */
	enum sqs_result result;
} known_codes[] = {
	{"RequestThrottled", SQS_THROTTLED},
	{"RequestThrottledException", SQS_THROTTLED},
	{"Throttling", SQS_THROTTLED},
	{"ThrottlingException", SQS_THROTTLED},
	{"ThrottledException", SQS_THROTTLED},
	{"TooManyRequestsException", SQS_THROTTLED},
	{"RequestLimitExceeded", SQS_THROTTLED},
	{"SlowDown", SQS_THROTTLED},
	{"OverLimit", SQS_THROTTLED}, /* too many messages in flight: those done go first */
	{"KmsThrottled", SQS_THROTTLED},
	{"KMS.ThrottlingException", SQS_THROTTLED},
	{"PurgeQueueInProgress", SQS_THROTTLED},

	{"InternalError", SQS_UNAVAILABLE},
	{"InternalFailure", SQS_UNAVAILABLE},
	{"InternalServerError", SQS_UNAVAILABLE},
	{"ServiceUnavailable", SQS_UNAVAILABLE},
	{"ServiceUnavailableException", SQS_UNAVAILABLE},
	{"RequestTimeout", SQS_UNAVAILABLE},
	{"RequestTimeoutException", SQS_UNAVAILABLE},
	{"RequestAborted", SQS_UNAVAILABLE},

	{"InvalidSignatureException", SQS_BAD_SIGNATURE},
	{"SignatureDoesNotMatch", SQS_BAD_SIGNATURE},
	{"IncompleteSignatureException", SQS_BAD_SIGNATURE},
	{"IncompleteSignature", SQS_BAD_SIGNATURE},
	{"RequestExpired", SQS_BAD_SIGNATURE},
	{"RequestInTheFuture", SQS_BAD_SIGNATURE},
	{"RequestTimeTooSkewed", SQS_BAD_SIGNATURE},
	{"AuthFailure", SQS_BAD_SIGNATURE},

	{"UnrecognizedClientException", SQS_BAD_TOKEN},
	{"InvalidClientTokenId", SQS_BAD_TOKEN},
	{"InvalidAccessKeyId", SQS_BAD_TOKEN},
	{"ExpiredToken", SQS_BAD_TOKEN},
	{"ExpiredTokenException", SQS_BAD_TOKEN},
	{"InvalidToken", SQS_BAD_TOKEN},
	{"TokenRefreshRequired", SQS_BAD_TOKEN},

	{"AccessDenied", SQS_DENIED},
	{"AccessDeniedException", SQS_DENIED},
	{"KmsAccessDenied", SQS_DENIED},
	{"KMS.AccessDeniedException", SQS_DENIED},

	{"QueueDoesNotExist", SQS_NO_QUEUE},
	{"NonExistentQueue", SQS_NO_QUEUE},
	{"QueueDeletedRecently", SQS_NO_QUEUE},
	{"InvalidAddress", SQS_NO_QUEUE},
};

const char *sqs_result_name(enum sqs_result result)
{
	switch (result) {
	case SQS_OK:
		return "ok";
	case SQS_UNREACHABLE:
		return "unreachable";
	case SQS_THROTTLED:
		return "throttled";
	case SQS_UNAVAILABLE:
		return "unavailable";
	case SQS_NO_CREDENTIALS:
		return "no_credentials";
	case SQS_BAD_SIGNATURE:
		return "bad_signature";
	case SQS_BAD_TOKEN:
		return "bad_token";
	case SQS_DENIED:
		return "denied";
	case SQS_NO_QUEUE:
		return "no_queue";
	case SQS_REFUSED:
		return "refused";
	case SQS_GARBLED:
		return "garbled";
	}
	assert(false);
	return NULL;
}

static enum sqs_result classify_status(unsigned status)
{
	if (status >= 500 || status == 408)
		return SQS_UNAVAILABLE;
	return status == 429 ? SQS_THROTTLED : SQS_GARBLED;
}

enum sqs_result sqs_fault_classify(const char *code, unsigned status)
{
	static const char prefix[] = "AWS.SimpleQueueService.";

	if (!code[0])
		return classify_status(status);
	if (strncmp(code, prefix, sizeof prefix - 1) == 0)
		code += sizeof prefix - 1;
	for (size_t i = 0; i < sizeof known_codes / sizeof *known_codes; i++)
		if (strcmp(known_codes[i].code, code) == 0)
			return known_codes[i].result;
	/* A code that nobody has heard of: whose fault it is, at least the status tells. */
	return status >= 500 ? SQS_UNAVAILABLE : SQS_REFUSED;
}

/*
 * The bare code of "ns#Code", "Code:http://..." and "Code;Sender". Anything but letters, digits,
 * '.', '_' and '-' is no code.
 */
static void read_code(const char *text, char ret[static SQS_FAULT_CODE_MAX])
{
	ret[0] = '\0';
	if (!text)
		return;

	size_t len = strcspn(text, ":;");
	const char *hash = memchr(text, '#', len);
	if (hash) {
		len -= (size_t)(hash + 1 - text);
		text = hash + 1;
	}
	if (len >= SQS_FAULT_CODE_MAX)
		return;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return;
	memcpy(ret, text, len);
	ret[len] = '\0';
}

bool sqs_fault_holds_secret(const char *text)
{
	return strcasestr(text, "signature=") || strcasestr(text, "authorization:") ||
	       strcasestr(text, "security-token:") || strcasestr(text, "receipthandle");
}

/* What an error's body says; NULL where it does not. */
struct envelope {
	const char *type;
	const char *message;
};

static int read_envelope_member(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct envelope *e = userdata;

	if (json_string_is(name, "__type") || json_string_is(name, "code"))
		return json_read_text(r, &e->type, NULL);
	if (json_string_is(name, "message") || json_string_is(name, "Message"))
		return json_read_text(r, &e->message, NULL);
	return json_read_skip(r);
}

/*
 * The answer's code: in the body, else in a header. The first one that is known decides; where
 * none is, the first one that is there.
 */
static void find_code(const struct sqs_fault_answer *answer, const char *type,
	char ret[static SQS_FAULT_CODE_MAX])
{
	const char *const places[] = {type, answer->query_error, answer->error_type};
	char code[SQS_FAULT_CODE_MAX];

	ret[0] = '\0';
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		read_code(places[i], code);
		if (code[0] && sqs_fault_classify(code, 400) != SQS_REFUSED) {
			strcpy(ret, code);
			return;
		}
		if (!ret[0])
			strcpy(ret, code);
	}
}

/* What a body is that should have been SQS's. */
static const char *name_body(const struct sqs_fault_answer *answer)
{
	size_t blank = strspn(answer->body, " \t\r\n");
	const char *type = answer->content_type ? answer->content_type : "";

	if (blank >= answer->body_len)
		return "an empty body";
	if (strcasestr(type, "html") || strcasestr(answer->body, "<html"))
		return "an HTML body";
	switch (answer->body[blank]) {
	case '<':
		return "an XML body";
	case '{':
	case '[':
		return "JSON that is not SQS's";
	default:
		return "a body that is not JSON";
	}
}

static void describe_signature(
	const struct sqs_fault_place *p, const char *message, struct sqs_fault *ret)
{
	const char *cure = strstr(message, "expired") || strstr(message, "not yet current")
				   ? "this machine's clock is wrong"
			   : strstr(message, "scoped") ? "the region is wrong"
						       : "secret key, region or clock is wrong";

	snprintf(ret->text, sizeof ret->text,
		"%s refused the signature of %s for region %s (%s): %s", p->host, p->action,
		p->region, ret->code, cure);
}

static void describe_denial(
	const struct sqs_fault_place *p, const char *message, struct sqs_fault *ret)
{
	bool key = strncasecmp(ret->code, "KMS", 3) == 0;
	char said[QUOTE_SIZE];

	quote_text(sqs_fault_holds_secret(message) ? "" : message, said, sizeof said);
	snprintf(ret->text, sizeof ret->text, "access denied to %s on queue %s: grant it%s%s",
		key ? "the KMS key that encrypts messages (kms:Decrypt)" : p->permission, p->queue,
		said[0] ? "; " : "", said);
}

static void describe_garbled(const struct sqs_fault_place *p, const struct sqs_fault_answer *answer,
	struct sqs_fault *ret)
{
	bool redirect = answer->status >= 300 && answer->status < 400;

	snprintf(ret->text, sizeof ret->text, "%s answered %s with HTTP %u and %s: %s", p->host,
		p->action, answer->status, redirect ? "a redirect" : name_body(answer),
		redirect ? "the endpoint is not SQS" : "is a proxy or portal in between?");
}

static void describe_refusal(
	const struct sqs_fault_place *p, const char *message, struct sqs_fault *ret)
{
	char said[QUOTE_SIZE];

	quote_text(p->has_handles || sqs_fault_holds_secret(message) ? "" : message, said,
		sizeof said);
	snprintf(ret->text, sizeof ret->text, "%s refused %s on queue %s: %s%s%s", p->host,
		p->action, p->queue, ret->code, said[0] ? ": " : "", said);
}

static void describe(const struct sqs_fault_place *p, const struct sqs_fault_answer *answer,
	const char *message, struct sqs_fault *ret)
{
	char *text = ret->text;
	const size_t size = sizeof ret->text;
	const char *what = ret->code[0] ? ret->code : name_body(answer);

	switch (ret->result) {
	case SQS_THROTTLED:
		snprintf(text, size, "%s throttles %s on queue %s (HTTP %u, %s)", p->host,
			p->action, p->queue, answer->status, what);
		return;
	case SQS_UNAVAILABLE:
		snprintf(text, size, "%s cannot serve %s now (HTTP %u, %s)", p->host, p->action,
			answer->status, what);
		return;
	case SQS_BAD_SIGNATURE:
		describe_signature(p, message, ret);
		return;
	case SQS_BAD_TOKEN:
		snprintf(text, size,
			"%s does not accept the access key or session token for %s (%s): "
			"renew the credentials",
			p->host, p->action, what);
		return;
	case SQS_DENIED:
		describe_denial(p, message, ret);
		return;
	case SQS_NO_QUEUE:
		snprintf(text, size,
			"queue %s is not there, says %s in region %s (%s): create it or correct "
			"its URL",
			p->queue, p->host, p->region, what);
		return;
	case SQS_REFUSED:
		describe_refusal(p, message, ret);
		return;
	case SQS_GARBLED:
		describe_garbled(p, answer, ret);
		return;
	case SQS_OK:
	case SQS_UNREACHABLE:
	case SQS_NO_CREDENTIALS:
		break;
	}
	assert(false); /* an answer has other faults */
}

void sqs_fault_of_answer(const struct sqs_fault_place *place, const struct sqs_fault_answer *answer,
	struct sqs_fault *ret)
{
	struct envelope said = {0};
	_cleanup_(json_read_done) struct json_read r = {0};

	/* Whatever cannot be read of it is not there. */
	if (json_read_init(&r, answer->body, answer->body_len) == 0 &&
		json_read_object(&r, read_envelope_member, &said) < 0)
		said = (struct envelope){0};
	find_code(answer, said.type, ret->code);
	ret->result = sqs_fault_classify(ret->code, answer->status);
	describe(place, answer, said.message ? said.message : "", ret);
}

void sqs_fault_of_shape(const struct sqs_fault_place *place, const struct sqs_fault_answer *answer,
	const char *reason, struct sqs_fault *ret)
{
	bool other = answer->body[strspn(answer->body, " \t\r\n")] != '{';

	ret->result = SQS_GARBLED;
	ret->code[0] = '\0';
	snprintf(ret->text, sizeof ret->text, "%s answered %s with HTTP %u and %s%s", place->host,
		place->action, answer->status, other ? name_body(answer) : reason,
		other ? ": is a proxy or portal in between?" : "");
}

void sqs_fault_of_transport(
	const struct sqs_fault_place *place, int error, const char *said, struct sqs_fault *ret)
{
	bool answered = error == -EMSGSIZE || error == -EBADMSG;
	char quoted[QUOTE_SIZE];

	quote_text(said, quoted, sizeof quoted);
	ret->result = answered ? SQS_GARBLED : SQS_UNREACHABLE;
	ret->code[0] = '\0';
	snprintf(ret->text, sizeof ret->text, "%s from %s to %s: %s",
		answered ? "no answer of SQS's" : "no answer", place->host, place->action, quoted);
}

static void fault_of_want(
	const char *what, const char *action, const char *said, struct sqs_fault *ret)
{
	char quoted[SQS_FAULT_TEXT_MAX - 64];

	quote_text(said, quoted, sizeof quoted);
	ret->result = SQS_NO_CREDENTIALS;
	ret->code[0] = '\0';
	snprintf(ret->text, sizeof ret->text, "no %s to sign %s with%s%s", what, action,
		quoted[0] ? ": " : "", quoted);
}

void sqs_fault_of_credentials(
	const struct sqs_fault_place *place, const char *said, struct sqs_fault *ret)
{
	fault_of_want("AWS credentials", place->action, said, ret);
}

void sqs_fault_of_region(
	const struct sqs_fault_place *place, const char *said, struct sqs_fault *ret)
{
	fault_of_want("AWS region", place->action, said, ret);
}

/* Messages of entries quote receipt handles: only what they mean is passed on. */
static const char *explain_entry(const char *message)
{
	static const struct {
		const char *phrase;
		const char *meaning;
	} phrases[] = {
		{"beyond the limit", ": invisible for 12 hours already, which is SQS's limit"},
		{"has expired", ": the receipt handle has expired"},
		{"does not exist or is not available", ": the message is gone or visible again"},
		{"not a valid receipt handle", ": not a receipt handle of this queue"},
	};

	for (size_t i = 0; message && i < sizeof phrases / sizeof *phrases; i++)
		if (strstr(message, phrases[i].phrase))
			return phrases[i].meaning;
	return "";
}

enum sqs_result sqs_fault_of_entry(
	const char *code, const char *message, bool receiver_fault, char *ret_text, size_t size)
{
	char bare[SQS_FAULT_CODE_MAX];

	read_code(code, bare);
	snprintf(ret_text, size, "%s%s", bare[0] ? bare : "failed without a code",
		explain_entry(message));
	return sqs_fault_classify(bare, receiver_fault ? 500 : 400);
}
