#include "job/envelope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t text_bytes(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static size_t envelope_bytes(const struct envelope *e)
{
	size_t bytes = sizeof *e + e->n_attributes * sizeof *e->attributes +
		       e->n_message_attributes * sizeof *e->message_attributes;

	bytes += text_bytes(e->message_id) + text_bytes(e->receipt_handle) +
		 text_bytes(e->md5_of_body) + text_bytes(e->md5_of_attributes) +
		 text_bytes(e->queue_name) + text_bytes(e->queue_arn) + text_bytes(e->region);
	for (size_t i = 0; i < e->n_attributes; i++)
		bytes += text_bytes(e->attributes[i].name) + text_bytes(e->attributes[i].value);
	for (size_t i = 0; i < e->n_message_attributes; i++) {
		const struct envelope_message_attribute *a = &e->message_attributes[i];
		bytes += text_bytes(a->name) + text_bytes(a->data_type) +
			 text_bytes(a->string_value) + text_bytes(a->binary_value);
	}
	return bytes;
}

/* Has *text point to a copy of what it points to, at *next, which moves on. */
static void move_text(const char **text, char **next)
{
	size_t bytes = text_bytes(*text);

	if (bytes == 0)
		return;
	*text = memcpy(*next, *text, bytes);
	*next += bytes;
}

static void envelope_move_texts(struct envelope *e, char *next)
{
	move_text(&e->message_id, &next);
	move_text(&e->receipt_handle, &next);
	move_text(&e->md5_of_body, &next);
	move_text(&e->md5_of_attributes, &next);
	move_text(&e->queue_name, &next);
	move_text(&e->queue_arn, &next);
	move_text(&e->region, &next);
	for (size_t i = 0; i < e->n_attributes; i++) {
		move_text(&e->attributes[i].name, &next);
		move_text(&e->attributes[i].value, &next);
	}
	for (size_t i = 0; i < e->n_message_attributes; i++) {
		struct envelope_message_attribute *a = &e->message_attributes[i];
		move_text(&a->name, &next);
		move_text(&a->data_type, &next);
		move_text(&a->string_value, &next);
		move_text(&a->binary_value, &next);
	}
}

/* In this order, so that nothing is out of line: the struct, both arrays, all texts. */
int envelope_new(const struct envelope *what, struct envelope **ret)
{
	size_t bytes = envelope_bytes(what);
	struct envelope *e = malloc(bytes);

	if (!e)
		return -ENOMEM;
	*e = *what;
	e->bytes = bytes;
	e->attributes = (void *)(e + 1);
	e->message_attributes = (void *)(e->attributes + e->n_attributes);
	if (e->n_attributes > 0)
		memcpy(e->attributes, what->attributes, e->n_attributes * sizeof *e->attributes);
	if (e->n_message_attributes > 0)
		memcpy(e->message_attributes, what->message_attributes,
			e->n_message_attributes * sizeof *e->message_attributes);
	envelope_move_texts(e, (char *)(e->message_attributes + e->n_message_attributes));
	*ret = e;
	return 0;
}

struct envelope *envelope_free(struct envelope *envelope)
{
	free(envelope);
	return NULL;
}

const char *envelope_get(const struct envelope *envelope, const char *name)
{
	for (size_t i = 0; i < envelope->n_attributes; i++)
		if (strcmp(envelope->attributes[i].name, name) == 0)
			return envelope->attributes[i].value;
	return NULL;
}

const struct envelope_message_attribute *envelope_get_message(
	const struct envelope *envelope, const char *name)
{
	for (size_t i = 0; i < envelope->n_message_attributes; i++)
		if (strcmp(envelope->message_attributes[i].name, name) == 0)
			return &envelope->message_attributes[i];
	return NULL;
}
