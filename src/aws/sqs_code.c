#include "aws/sqs_code.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "aws/xml.h"

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
	{"LimitExceededException", SQS_THROTTLED},
	{"BandwidthLimitExceeded", SQS_THROTTLED},
	{"PriorRequestNotComplete", SQS_THROTTLED},
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

	{"KmsAccessDenied", SQS_NO_KEY},
	{"KMS.AccessDeniedException", SQS_NO_KEY},
	{"KmsDisabled", SQS_NO_KEY},
	{"KMS.DisabledException", SQS_NO_KEY},
	{"KmsInvalidState", SQS_NO_KEY},
	{"KMS.InvalidStateException", SQS_NO_KEY},
	{"KmsNotFound", SQS_NO_KEY},
	{"KMS.NotFoundException", SQS_NO_KEY},
	{"KmsOptInRequired", SQS_NO_KEY},
	{"KMS.OptInRequired", SQS_NO_KEY},
	{"KmsInvalidKeyUsage", SQS_NO_KEY},
	{"KMS.InvalidKeyUsageException", SQS_NO_KEY},

	{"QueueDoesNotExist", SQS_NO_QUEUE},
	{"NonExistentQueue", SQS_NO_QUEUE},
	{"QueueDeletedRecently", SQS_NO_QUEUE},
	{"InvalidAddress", SQS_NO_QUEUE},

	{"ReceiptHandleIsInvalid", SQS_STALE},
	{"MessageNotInflight", SQS_STALE},
	{"InvalidIdFormat", SQS_STALE},
};

/* What AWS says of a handle under the code that stands for any wrong parameter. */
static const struct {
	const char *phrase;
	const char *meaning;
} stale_phrases[] = {
	{"beyond the limit", "invisible for 12 hours already, which is SQS's limit"},
	{"has expired", "the receipt handle has expired"},
	{"does not exist or is not available", "the message is gone or visible again"},
	{"not a valid receipt handle", "not a receipt handle of this queue"},
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
	case SQS_NO_KEY:
		return "no_key";
	case SQS_NO_QUEUE:
		return "no_queue";
	case SQS_STALE:
		return "stale";
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

enum sqs_result sqs_code_classify(const char *code, unsigned status)
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

void sqs_code_read(const char *text, char ret[static SQS_CODE_MAX])
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
	if (len >= SQS_CODE_MAX)
		return;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return;
	memcpy(ret, text, len);
	ret[len] = '\0';
}

const char *sqs_code_stale_meaning(const char *message)
{
	for (size_t i = 0; i < sizeof stale_phrases / sizeof *stale_phrases; i++)
		if (strstr(message, stale_phrases[i].phrase))
			return stale_phrases[i].meaning;
	return NULL;
}

enum sqs_result sqs_code_judge(const char *code, const char *message, unsigned status)
{
	enum sqs_result result = sqs_code_classify(code, status);

	return result == SQS_REFUSED && strncmp(code, "InvalidParameterValue", 21) == 0 &&
			       sqs_code_stale_meaning(message)
		       ? SQS_STALE
		       : result;
}

/* The code of the XML that emulators, proxies and the old protocol answer with; "": none. */
static void read_xml_code(const struct sqs_code_places *places, char ret[static SQS_CODE_MAX])
{
	struct xml_field code = {.path = "Error/Code"};
	const char *what;

	ret[0] = '\0';
	if (places->body[strspn(places->body, " \t\r\n")] != '<')
		return;
	if (xml_read(places->body, places->body_len, &code, 1, &what) == 0 && code.is_there)
		sqs_code_read(strbuf_str(&code.text), ret);
	xml_wipe(&code, 1);
}

void sqs_code_find(const struct sqs_code_places *places, char ret[static SQS_CODE_MAX])
{
	char code[SQS_CODE_MAX], xml_code[SQS_CODE_MAX] = "";
	const char *const texts[] = {
		places->type, xml_code, places->query_error, places->error_type};

	read_xml_code(places, xml_code);
	ret[0] = '\0';
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		sqs_code_read(texts[i], code);
		if (code[0] && sqs_code_classify(code, 400) != SQS_REFUSED) {
			strcpy(ret, code);
			return;
		}
		if (!ret[0])
			strcpy(ret, code);
	}
}
