#include "ctl/letter.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/when.h"
#include "job/message.h"

static bool letter_copy_attribute(
	struct sqs_message_attribute *to, const struct sqs_message_attribute *from)
{
	to->name = strdup(from->name);
	to->data_type = strdup(from->data_type);
	to->string_value = from->string_value ? strdup(from->string_value) : NULL;
	to->binary_value = from->binary_value ? strdup(from->binary_value) : NULL;
	return to->name && to->data_type && !to->string_value == !from->string_value &&
	       !to->binary_value == !from->binary_value;
}

static bool letter_copy_attributes(struct letter *letter, const struct sqs_details *details)
{
	for (size_t i = 0; details && i < details->n_message_attributes; i++) {
		letter->n_attributes = i + 1;
		if (!letter_copy_attribute(&letter->attributes[i], &details->message_attributes[i]))
			return false;
	}
	return true;
}

/* What the daemon sent came from nowhere as SQS sees it. */
static bool letter_find_source(struct letter *letter, const struct sqs_details *details)
{
	const char *source = letter_attribute(letter, "NexusSourceQueue");

	for (size_t i = 0; details && i < details->n_attributes && !source; i++)
		if (strcmp(details->attributes[i].name, "DeadLetterQueueSourceArn") == 0)
			source = details->attributes[i].value;
	letter->source = source ? strdup(source) : NULL;
	return !source == !letter->source;
}

static bool letter_copy(struct letter *letter, const struct sqs_message *message)
{
	letter->message_id = strdup(message->message_id);
	letter->handle = strdup(message->receipt_handle);
	letter->body = malloc(message->body_len + 1);
	if (!letter->message_id || !letter->handle || !letter->body)
		return false;
	memcpy(letter->body, message->body, message->body_len);
	letter->body[message->body_len] = '\0';
	letter->body_len = message->body_len;
	letter->receives = message->receive_count;
	letter->sent_at = message->sent_at;
	return letter_copy_attributes(letter, message->details) &&
	       letter_find_source(letter, message->details);
}

static bool letter_parse(struct letter *letter)
{
	struct message parsed;

	if (message_parse(letter->body, letter->body_len, &parsed, &letter->reason) < 0)
		return true;
	letter->job_id = strdup(parsed.job_id);
	letter->type = strdup(parsed.type);
	letter->payload_offset = parsed.payload_offset;
	letter->payload_len = parsed.payload_len;
	return letter->job_id && letter->type;
}

struct letter *letter_new(const struct sqs_message *message)
{
	_cleanup_(letter_freep) struct letter *letter = calloc(1, sizeof *letter);

	if (!letter || !letter_copy(letter, message) || !letter_parse(letter))
		return NULL;
	return TAKE_PTR(letter);
}

struct letter *letter_free(struct letter *letter)
{
	if (!letter)
		return NULL;
	for (size_t i = 0; i < letter->n_attributes; i++) {
		free((char *)letter->attributes[i].name);
		free((char *)letter->attributes[i].data_type);
		free((char *)letter->attributes[i].string_value);
		free((char *)letter->attributes[i].binary_value);
	}
	free(letter->message_id);
	free(letter->handle);
	free(letter->body);
	free(letter->job_id);
	free(letter->type);
	free(letter->source);
	free(letter);
	return NULL;
}

const char *letter_attribute(const struct letter *letter, const char *name)
{
	for (size_t i = 0; i < letter->n_attributes; i++)
		if (strcmp(letter->attributes[i].name, name) == 0)
			return letter->attributes[i].string_value;
	return NULL;
}

json_t *letter_json(const struct letter *letter)
{
	char sent[WHEN_MAX];

	return json_pack("{s:s, s:s?, s:s?, s:s%, s:i, s:s?}", "message_id", letter->message_id,
		"job_id", letter->job_id, "type", letter->type, "body", letter->body,
		letter->body_len, "receives", (int)letter->receives, "sent_at",
		letter->sent_at ? when_utc(letter->sent_at, sent) : NULL);
}
