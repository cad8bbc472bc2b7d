#include "work/dead_letter.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define REASON "NexusReason"

bool dead_letter_is_ours(const char *name)
{
	static const char *const ours[] = {
		REASON, "NexusOutcome", "NexusReceiveCount", "NexusSourceQueue", "NexusMessageId"};

	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	return false;
}

/* A binary value counts as what it stands for. */
static size_t dead_letter_bytes_of(const struct sqs_message_attribute *a)
{
	return strlen(a->name) + strlen(a->data_type) +
	       (a->string_value ? strlen(a->string_value) : 0) +
	       (a->binary_value ? strlen(a->binary_value) / 4 * 3 : 0);
}

static void dead_letter_put(struct dead_letter *letter, const struct sqs_message_attribute *a)
{
	letter->attributes[letter->n_attributes++] = *a;
	letter->bytes += dead_letter_bytes_of(a);
}

/* If there is room for it. */
static void dead_letter_put_ours(
	struct dead_letter *letter, const char *name, const char *data_type, const char *value)
{
	const struct sqs_message_attribute a = {name, data_type, value, NULL};

	/* SQS takes no empty value. */
	if (letter->n_attributes < SQS_MESSAGE_ATTRIBUTES_MAX && value[0] &&
		letter->bytes + dead_letter_bytes_of(&a) <= SQS_MESSAGE_BYTES_MAX)
		dead_letter_put(letter, &a);
}

/* The characters of XML 1.0, which are those that SQS takes. */
static bool dead_letter_takes(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= ' ' && c != 0xfffe && c != 0xffff);
}

static void dead_letter_write_reason(struct dead_letter *letter, const char *text)
{
	const size_t others = strlen(REASON) + strlen("String");
	size_t room = letter->bytes + others < SQS_MESSAGE_BYTES_MAX
			      ? SQS_MESSAGE_BYTES_MAX - letter->bytes - others
			      : 0;
	size_t len = strlen(text), n = 0;

	room = room < DEAD_LETTER_REASON_MAX ? room : DEAD_LETTER_REASON_MAX;
	while (len > 0) {
		size_t step = utf8_sequence(text, len);
		bool taken = step > 0 && dead_letter_takes(utf8_decode(text, step));
		size_t bytes = taken ? step : 1;
		if (n + bytes > room)
			break;
		memcpy(letter->reason + n, taken ? text : "?", bytes);
		n += bytes;
		text += step > 0 ? step : 1;
		len -= step > 0 ? step : 1;
	}
	letter->reason[n] = '\0';
}

void dead_letter_write(struct dead_letter *letter, const struct envelope *envelope, size_t body_len,
	const struct dead_letter_cause *cause)
{
	letter->n_attributes = 0;
	letter->bytes = body_len;
	for (size_t i = 0; i < envelope->n_message_attributes; i++) {
		const struct envelope_message_attribute *own = &envelope->message_attributes[i];
		const struct sqs_message_attribute a = {
			own->name, own->data_type, own->string_value, own->binary_value};
		if (!dead_letter_is_ours(a.name))
			dead_letter_put(letter, &a);
	}
	dead_letter_write_reason(letter, cause->reason ? cause->reason : "");
	snprintf(letter->receive_count, sizeof letter->receive_count, "%u", cause->receive_count);
	dead_letter_put_ours(letter, REASON, "String", letter->reason);
	dead_letter_put_ours(letter, "NexusOutcome", "String", job_outcome_name(cause->outcome));
	dead_letter_put_ours(letter, "NexusReceiveCount", "Number", letter->receive_count);
	dead_letter_put_ours(letter, "NexusSourceQueue", "String", envelope->queue_arn);
	dead_letter_put_ours(letter, "NexusMessageId", "String", envelope->message_id);
}
