#include "aws/sqs_fault.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/leak.h"
#include "aws/signature_cure.h"
#include "base/json_read.h"
#include "base/quote.h"

/* AWS's reasons stand at the end of what it says, behind two ARNs. */
#define QUOTE_SIZE 512
static_assert(QUOTE_SIZE <= LEAK_SAID_MAX, "what is quoted has been looked at");

/* What AWS says, as far as it is fit for the log; else "". */
static void quote_message(
	const struct sqs_fault_place *p, const char *message, char ret[static QUOTE_SIZE])
{
	quote_text(message, ret, QUOTE_SIZE);
	if (leak_is_in(ret, p->credentials) || leak_repeats_request(ret, p->sent))
		ret[0] = '\0';
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

static void describe_signature(const struct sqs_fault_place *p,
	const struct sqs_fault_answer *answer, const char *message, struct sqs_fault *ret)
{
	char cure[SIGNATURE_CURE_MAX];

	signature_cure(message, answer->clock_usec, cure);
	snprintf(ret->text, sizeof ret->text, "%s refused the signature for region %s (%s): %s",
		p->host, p->region, ret->code, cure);
}

static void describe_denial(
	const struct sqs_fault_place *p, const char *message, struct sqs_fault *ret)
{
	char said[QUOTE_SIZE];

	/* No grant helps against a policy that says no. */
	const char *cure = strstr(message, "explicit deny")     ? "have the denial lifted"
			   : strstr(message, "endpoint policy") ? "have that policy allow it"
								: "grant it";

	quote_message(p, message, said);
	snprintf(ret->text, sizeof ret->text, "access denied to %s on queue %s: %s%s%s",
		p->permission, p->queue, cure, said[0] ? "; " : "", said);
}

static void describe_key(
	const struct sqs_fault_place *p, const char *message, struct sqs_fault *ret)
{
	static const struct {
		const char *word;
		const char *cure;
	} cures[] = {
		{"Disabled", "enable it"},
		{"InvalidState", "it is about to be deleted, or made: cancel its deletion"},
		{"NotFound", "it is not there: give the queue another one (KmsMasterKeyId)"},
		{"OptIn", "this account has to subscribe to KMS"},
		{"KeyUsage", "it is not one for encryption: give the queue another one"},
		{"", NULL}, /* a grant of what the action needs */
	};
	char said[QUOTE_SIZE], grant[80];
	size_t i = 0;

	while (!strstr(ret->code, cures[i].word))
		i++;
	snprintf(grant, sizeof grant, "grant %s on it", p->key_permission);
	quote_message(p, message, said);
	snprintf(ret->text, sizeof ret->text,
		"the KMS key that encrypts the messages of queue %s cannot be used (%s): %s%s%s",
		p->queue, ret->code, cures[i].cure ? cures[i].cure : grant, said[0] ? "; " : "",
		said);
}

static void describe_throttle(const struct sqs_fault_place *p,
	const struct sqs_fault_answer *answer, const char *what, struct sqs_fault *ret)
{
	if (strcmp(ret->code, "OverLimit") == 0)
		snprintf(ret->text, sizeof ret->text,
			"too many messages of queue %s are in flight (OverLimit): nothing is "
			"received until some are deleted",
			p->queue);
	else
		snprintf(ret->text, sizeof ret->text, "%s throttles %s on queue %s (HTTP %u, %s)",
			p->host, p->action, p->queue, answer->status, what);
}

static void describe_garbled(const struct sqs_fault_place *p, const struct sqs_fault_answer *answer,
	struct sqs_fault *ret)
{
	bool redirect = answer->status >= 300 && answer->status < 400;

	snprintf(ret->text, sizeof ret->text, "%s answered with HTTP %u and %s: %s", p->host,
		answer->status, redirect ? "a redirect" : name_body(answer),
		redirect ? "the endpoint is not SQS" : "is a proxy or portal in between?");
}

static void describe_refusal(
	const struct sqs_fault_place *p, const char *message, struct sqs_fault *ret)
{
	char said[QUOTE_SIZE];

	quote_message(p, p->is_private ? "" : message, said);
	snprintf(ret->text, sizeof ret->text, "%s refused %s on queue %s: %s%s%s", p->host,
		p->action, p->queue, ret->code, said[0] ? ": " : "", said);
}

static void describe_token(const struct sqs_fault_place *p, const char *what, struct sqs_fault *ret)
{
	const char *renewal = p->renewal ? p->renewal : "";

	snprintf(ret->text, sizeof ret->text,
		"%s does not accept the access key or session token (%s): renew the "
		"credentials%s%s%s%s",
		p->host, what, p->credentials ? " of: " : "",
		p->credentials ? p->credentials->source : "",
		renewal[0] ? "; they cannot be renewed: " : "", renewal);
}

static void describe(const struct sqs_fault_place *p, const struct sqs_fault_answer *answer,
	const char *message, struct sqs_fault *ret)
{
	char *text = ret->text;
	const size_t size = sizeof ret->text;
	const char *what = ret->code[0] ? ret->code : name_body(answer);

	switch (ret->result) {
	case SQS_THROTTLED:
		describe_throttle(p, answer, what, ret);
		return;
	case SQS_UNAVAILABLE:
		snprintf(text, size, "%s cannot serve requests now (HTTP %u, %s)", p->host,
			answer->status, what);
		return;
	case SQS_BAD_SIGNATURE:
		describe_signature(p, answer, message, ret);
		return;
	case SQS_BAD_TOKEN:
		describe_token(p, what, ret);
		return;
	case SQS_DENIED:
		describe_denial(p, message, ret);
		return;
	case SQS_NO_KEY:
		describe_key(p, message, ret);
		return;
	case SQS_NO_QUEUE:
		snprintf(text, size,
			"queue %s is not there, says %s in region %s (%s): create it or correct "
			"its URL",
			p->queue, p->host, p->region, what);
		return;
	case SQS_STALE:
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
	const char *message = said.message ? said.message : "";
	const struct sqs_code_places places = {
		said.type, answer->body, answer->body_len, answer->query_error, answer->error_type};
	sqs_code_find(&places, ret->code);
	if (sqs_fault_repeats(place, ret->code))
		ret->code[0] = '\0';
	ret->result = sqs_code_judge(ret->code, message, answer->status);
	describe(place, answer, message, ret);
}

void sqs_fault_of_shape(const struct sqs_fault_place *place, const struct sqs_fault_answer *answer,
	const char *reason, struct sqs_fault *ret)
{
	ret->result = SQS_GARBLED;
	ret->code[0] = '\0';
	if (answer->body[strspn(answer->body, " \t\r\n")] == '{')
		snprintf(ret->text, sizeof ret->text, "%s answered %s with HTTP %u and %s",
			place->host, place->action, answer->status, reason);
	else
		describe_garbled(place, answer, ret);
}

void sqs_fault_of_transport(
	const struct sqs_fault_place *place, int error, const char *said, struct sqs_fault *ret)
{
	bool answered = error == -EMSGSIZE || error == -EBADMSG;
	char quoted[QUOTE_SIZE];

	quote_text(said, quoted, sizeof quoted);
	ret->result = answered ? SQS_GARBLED : SQS_UNREACHABLE;
	ret->code[0] = '\0';
	snprintf(ret->text, sizeof ret->text, "%s from %s: %s",
		answered ? "no answer of SQS's" : "no answer", place->host, quoted);
}

static void fault_of_want(const char *what, const char *said, struct sqs_fault *ret)
{
	char quoted[SQS_FAULT_TEXT_MAX - 64];

	quote_text(said, quoted, sizeof quoted);
	ret->result = SQS_NO_CREDENTIALS;
	ret->code[0] = '\0';
	snprintf(ret->text, sizeof ret->text, "no %s to sign requests with%s%s", what,
		quoted[0] ? ": " : "", quoted);
}

void sqs_fault_of_credentials(const char *said, struct sqs_fault *ret)
{
	fault_of_want("AWS credentials", said, ret);
}

void sqs_fault_of_region(const char *said, struct sqs_fault *ret)
{
	fault_of_want("AWS region", said, ret);
}

bool sqs_fault_repeats(const struct sqs_fault_place *place, const char *said)
{
	return leak_repeats_keys(said, place->credentials) ||
	       leak_repeats_request(said, place->sent);
}

/* Messages of entries quote receipt handles: only what they mean is passed on. */
enum sqs_result sqs_fault_of_entry(
	const char *code, const char *message, bool receiver_fault, char *ret_text, size_t size)
{
	const char *said = message ? message : "", *meaning = sqs_code_stale_meaning(said);
	char bare[SQS_CODE_MAX];

	sqs_code_read(code, bare);
	snprintf(ret_text, size, "%s%s%s", bare[0] ? bare : "failed without a code",
		meaning ? ": " : "", meaning ? meaning : "");
	return sqs_code_judge(bare, said, receiver_fault ? 500 : 400);
}
