#include "handler/lambda_event.h"

#include <string.h>

#include "base/json_write.h"
#include "job/envelope.h"

/* X-Ray's are shorter than 100 bytes, and may be followed by what others add. */
#define TRACE_ID_MAX 1024

static void put_member(struct strbuf *out, const char *name, const char *value)
{
	strbuf_printf(out, ",\"%s\":", name);
	json_write_text(out, value);
}

static void put_attributes(struct strbuf *out, const struct envelope *envelope)
{
	strbuf_puts(out, ",\"attributes\":{");
	for (size_t i = 0; i < envelope->n_attributes; i++) {
		if (i > 0)
			strbuf_putc(out, ',');
		json_write_text(out, envelope->attributes[i].name);
		strbuf_putc(out, ':');
		json_write_text(out, envelope->attributes[i].value);
	}
	strbuf_putc(out, '}');
}

static void put_message_attributes(struct strbuf *out, const struct envelope *envelope)
{
	strbuf_puts(out, ",\"messageAttributes\":{");
	for (size_t i = 0; i < envelope->n_message_attributes; i++) {
		const struct envelope_message_attribute *a = &envelope->message_attributes[i];

		if (i > 0)
			strbuf_putc(out, ',');
		json_write_text(out, a->name);
		strbuf_puts(out, ":{");
		if (a->string_value) {
			strbuf_puts(out, "\"stringValue\":");
			json_write_text(out, a->string_value);
			strbuf_putc(out, ',');
		}
		if (a->binary_value) {
			strbuf_puts(out, "\"binaryValue\":");
			json_write_text(out, a->binary_value);
			strbuf_putc(out, ',');
		}
		strbuf_puts(out, "\"stringListValues\":[],\"binaryListValues\":[]");
		put_member(out, "dataType", a->data_type);
		strbuf_putc(out, '}');
	}
	strbuf_putc(out, '}');
}

int lambda_event_write(struct strbuf *out, const struct job *job)
{
	const struct envelope *envelope = job->envelope;

	strbuf_puts(out, "{\"Records\":[{\"messageId\":");
	json_write_text(out, envelope->message_id);
	put_member(out, "receiptHandle", envelope->receipt_handle);
	strbuf_puts(out, ",\"body\":");
	json_write_string(out, job->body, job->body_len);
	put_attributes(out, envelope);
	put_message_attributes(out, envelope);
	if (envelope->md5_of_attributes)
		put_member(out, "md5OfMessageAttributes", envelope->md5_of_attributes);
	if (envelope->md5_of_body)
		put_member(out, "md5OfBody", envelope->md5_of_body);
	put_member(out, "eventSource", "aws:sqs");
	put_member(out, "eventSourceARN", envelope->queue_arn);
	put_member(out, "awsRegion", envelope->region);
	return strbuf_puts(out, "}]}");
}

const char *lambda_event_trace_id(const struct envelope *envelope)
{
	const char *id = envelope_get(envelope, "AWSTraceHeader");
	size_t n = 0;

	while (id && id[n] >= ' ' && id[n] <= '~')
		n++;
	return id && id[n] == '\0' && n <= TRACE_ID_MAX ? id : NULL;
}
