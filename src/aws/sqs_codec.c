#include "aws/sqs_codec.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "aws/sqs_fault.h"

static void write_string(struct strbuf *b, const char *text)
{
	strbuf_putc(b, '"');
	while (*text) {
		size_t plain = 0;
		while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' &&
			text[plain] != '\\')
			plain++;
		strbuf_append(b, text, plain);
		text += plain;
		if (*text)
			strbuf_printf(b, "\\u%04x", (unsigned char)*text++);
	}
	strbuf_putc(b, '"');
}

static void write_queue(struct strbuf *b, const char *queue_url)
{
	strbuf_puts(b, "{\"QueueUrl\":");
	write_string(b, queue_url);
}

int sqs_codec_write_receive(struct strbuf *b, const char *queue_url, const struct sqs_receive *what)
{
	assert(what->max_messages >= 1 && what->max_messages <= SQS_BATCH_MAX);
	write_queue(b, queue_url);
	strbuf_printf(b, ",\"MaxNumberOfMessages\":%u,\"WaitTimeSeconds\":%llu", what->max_messages,
		(unsigned long long)(what->wait / USEC_PER_SEC));
	if (what->visibility_timeout > 0)
		strbuf_printf(b, ",\"VisibilityTimeout\":%llu",
			(unsigned long long)(what->visibility_timeout / USEC_PER_SEC));
	/* The second list is the first one's name before 2024, all that older servers know. */
	return strbuf_puts(b,
		",\"MessageSystemAttributeNames\":[\"SentTimestamp\",\"ApproximateReceiveCount\"]"
		",\"AttributeNames\":[\"SentTimestamp\",\"ApproximateReceiveCount\"]}");
}

static int write_entries(struct strbuf *b, const char *queue_url, const char *const *handles,
	size_t n_handles, const char *rest)
{
	assert(n_handles >= 1 && n_handles <= SQS_BATCH_MAX);
	write_queue(b, queue_url);
	strbuf_puts(b, ",\"Entries\":[");
	for (size_t i = 0; i < n_handles; i++) {
		strbuf_printf(b, "%s{\"Id\":\"%zu\",\"ReceiptHandle\":", i ? "," : "", i);
		write_string(b, handles[i]);
		strbuf_puts(b, rest);
	}
	return strbuf_puts(b, "]}");
}

int sqs_codec_write_delete(
	struct strbuf *b, const char *queue_url, const char *const *handles, size_t n_handles)
{
	return write_entries(b, queue_url, handles, n_handles, "}");
}

int sqs_codec_write_visibility(struct strbuf *b, const char *queue_url, const char *const *handles,
	size_t n_handles, usec_t visibility)
{
	char rest[64];

	snprintf(rest, sizeof rest, ",\"VisibilityTimeout\":%llu}",
		(unsigned long long)(visibility / USEC_PER_SEC));
	return write_entries(b, queue_url, handles, n_handles, rest);
}

int sqs_codec_write_attributes(struct strbuf *b, const char *queue_url)
{
	write_queue(b, queue_url);
	return strbuf_puts(b, ",\"AttributeNames\":[\"VisibilityTimeout\",\"RedrivePolicy\"]}");
}

/* The answer's root, owned; an object. A message may hold a NUL: it is refused by who reads it. */
static int read_root(const char *body, size_t len, json_t **ret, const char **ret_reason)
{
	json_error_t error;
	json_t *root = json_loadb(body, len, JSON_ALLOW_NUL, &error);

	if (root && json_is_object(root)) {
		*ret = root;
		return 0;
	}
	json_decref(root);
	if (!root && json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	*ret_reason = root ? "JSON that is not an object"
		      : json_error_code(&error) == json_error_premature_end_of_input
			      ? "JSON that ends early"
			      : "a body that is not JSON";
	return -EBADMSG;
}

/* An array member: NULL where it is absent, null or empty. */
static int read_array(
	const json_t *object, const char *name, const json_t **ret, const char **ret_reason)
{
	const json_t *array = json_object_get(object, name);

	if (array && !json_is_null(array) && !json_is_array(array)) {
		*ret_reason = "JSON of another shape than SQS's";
		return -EBADMSG;
	}
	*ret = json_is_array(array) ? array : NULL;
	return 0;
}

/* A string member that holds no NUL; NULL for anything else. */
static const char *read_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);

	return text && strlen(text) == json_string_length(value) ? text : NULL;
}

/* A number, also one in a string, as attributes are; 0 where there is none. */
static unsigned long long read_number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_integer(value))
		return json_integer_value(value) > 0 ? (unsigned long long)json_integer_value(value)
						     : 0;

	const char *text = json_string_value(value);
	if (!text || text[0] < '0' || text[0] > '9')
		return 0;
	return strtoull(text, NULL, 10);
}

static bool digest_fits(const struct sqs_message *m, const char *expected, const EVP_MD *md5)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned len;

	if (EVP_Digest(m->body, m->body_len, digest, &len, md5, NULL) != 1)
		return true; /* the library refuses: as if it had none */
	for (unsigned i = 0; i < len; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[2 * len] = '\0';
	return strcasecmp(hex, expected) == 0;
}

/* What is missing or wrong in a message; NULL: nothing. */
static const char *read_message(const json_t *json, const EVP_MD *md5, struct sqs_message *ret)
{
	const json_t *body = json_object_get(json, "Body");
	const json_t *attributes = json_object_get(json, "Attributes");
	const char *digest = read_text(json, "MD5OfBody");
	unsigned long long receives = read_number(attributes, "ApproximateReceiveCount");
	unsigned long long sent_msec = read_number(attributes, "SentTimestamp");

	*ret = (struct sqs_message){
		.message_id = read_text(json, "MessageId"),
		.receipt_handle = read_text(json, "ReceiptHandle"),
		.body = json_string_value(body),
		.body_len = json_string_length(body),
		.receive_count = receives > UINT32_MAX ? UINT32_MAX : (unsigned)receives,
		.sent_at = sent_msec > UINT64_MAX / USEC_PER_MSEC ? 0 : sent_msec * USEC_PER_MSEC,
	};
	if (!ret->message_id || !ret->receipt_handle || !ret->body)
		return "a message without MessageId, ReceiptHandle or Body";
	if (digest && md5 && !digest_fits(ret, digest, md5))
		return "a message whose MD5OfBody does not fit its body";
	return NULL;
}

int sqs_codec_read_messages(const char *body, size_t len, unsigned max_messages, const EVP_MD *md5,
	struct sqs_codec_messages *ret, const char **ret_reason)
{
	json_auto_t *root = NULL;
	const json_t *array = NULL;
	struct sqs_codec_messages m = {0};

	int r = read_root(body, len, &root, ret_reason);
	r = r < 0 ? r : read_array(root, "Messages", &array, ret_reason);
	if (r < 0)
		return r;

	m.n_messages = json_array_size(array);
	if (m.n_messages > max_messages) {
		*ret_reason = "more messages than were asked for";
		return -EBADMSG;
	}
	for (size_t i = 0; i < m.n_messages; i++) {
		const char *reason = read_message(json_array_get(array, i), md5, &m.messages[i]);
		if (reason) {
			*ret_reason = reason;
			return -EBADMSG;
		}
	}
	m.root = TAKE_PTR(root);
	*ret = m;
	return 0;
}

void sqs_codec_messages_done(struct sqs_codec_messages *m)
{
	json_decref(m->root);
	*m = (struct sqs_codec_messages){0};
}

/* The entry that an element is about: its Id is the place; NULL for none of ours. */
static struct sqs_entry_answer *find_entry(
	struct sqs_codec_entries *e, size_t n_entries, const json_t *element)
{
	const char *id = read_text(element, "Id");

	if (!id || id[0] < '0' || id[0] > '9' || id[1] || (size_t)(id[0] - '0') >= n_entries)
		return NULL;
	return &e->entries[id[0] - '0'];
}

int sqs_codec_read_entries(const char *body, size_t len, size_t n_entries,
	struct sqs_codec_entries *ret, const char **ret_reason)
{
	json_auto_t *root = NULL;
	const json_t *successful = NULL, *failed = NULL, *element;
	size_t i;

	assert(n_entries <= SQS_BATCH_MAX);
	int r = read_root(body, len, &root, ret_reason);
	r = r < 0 ? r : read_array(root, "Successful", &successful, ret_reason);
	r = r < 0 ? r : read_array(root, "Failed", &failed, ret_reason);
	if (r < 0)
		return r;
	if (!successful && !failed) {
		*ret_reason = "JSON that says nothing of the entries";
		return -EBADMSG;
	}

	for (i = 0; i < n_entries; i++)
		ret->entries[i] = (struct sqs_entry_answer){
			SQS_GARBLED, "the answer does not mention this entry"};
	json_array_foreach (successful, i, element) {
		struct sqs_entry_answer *entry = find_entry(ret, n_entries, element);
		if (entry)
			*entry = (struct sqs_entry_answer){SQS_OK, ""};
	}
	json_array_foreach (failed, i, element) {
		struct sqs_entry_answer *entry = find_entry(ret, n_entries, element);
		if (!entry)
			continue;

		char *text = ret->texts[entry - ret->entries];
		entry->result = sqs_fault_of_entry(read_text(element, "Code"),
			read_text(element, "Message"),
			json_is_false(json_object_get(element, "SenderFault")), text,
			SQS_CODEC_ENTRY_TEXT_MAX);
		entry->text = text;
	}
	return 0;
}

static int read_policy(const char *text, struct sqs_codec_attributes *ret, const char **ret_reason)
{
	json_auto_t *policy = NULL;
	int r = read_root(text, strlen(text), &policy, ret_reason);
	if (r == -ENOMEM)
		return r;

	const char *arn = r < 0 ? NULL : read_text(policy, "deadLetterTargetArn");
	unsigned long long count = r < 0 ? 0 : read_number(policy, "maxReceiveCount");
	if (!arn || count == 0 || count > UINT32_MAX) {
		*ret_reason = "a RedrivePolicy that cannot be read";
		return -EBADMSG;
	}
	ret->attributes.dead_letter_arn = arn;
	ret->attributes.max_receive_count = (unsigned)count;
	ret->policy = TAKE_PTR(policy);
	return 0;
}

int sqs_codec_read_attributes(
	const char *body, size_t len, struct sqs_codec_attributes *ret, const char **ret_reason)
{
	json_auto_t *root = NULL;
	struct sqs_codec_attributes a = {0};

	int r = read_root(body, len, &root, ret_reason);
	if (r < 0)
		return r;

	const json_t *attributes = json_object_get(root, "Attributes");
	const char *policy = read_text(attributes, "RedrivePolicy");
	if (!json_object_get(attributes, "VisibilityTimeout")) {
		*ret_reason = "no VisibilityTimeout in it";
		return -EBADMSG;
	}
	a.attributes.visibility_timeout =
		read_number(attributes, "VisibilityTimeout") * USEC_PER_SEC;
	if (policy && policy[0]) {
		r = read_policy(policy, &a, ret_reason);
		if (r < 0)
			return r;
	}
	*ret = a;
	return 0;
}

void sqs_codec_attributes_done(struct sqs_codec_attributes *a)
{
	json_decref(a->policy);
	*a = (struct sqs_codec_attributes){0};
}
