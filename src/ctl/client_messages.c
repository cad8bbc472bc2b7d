#include "ctl/client_parts.h"

#include <stdlib.h>
#include <string.h>

struct taking {
	struct client *client;
	client_take_fn *take;
	void *userdata;
};

static void on_messages(void *userdata, const struct sqs_answer *answer,
	const struct sqs_message *messages, size_t n_messages)
{
	struct taking *taking = userdata;

	client_end(taking->client, answer);
	for (size_t i = 0; i < n_messages; i++)
		if (taking->take(taking->userdata, &messages[i]) < 0)
			break;
}

enum sqs_result client_receive(struct client *client, const char *url,
	const struct sqs_receive *what, client_take_fn *take, void *userdata)
{
	struct taking taking = {client, take, userdata};
	struct sqs *sqs;

	int r = client_start(client, url, &sqs);
	if (r == 0)
		r = sqs_receive(sqs, what, on_messages, &taking, &client->call);
	return client_wait(client, r);
}

struct batch {
	struct client *client;
	enum sqs_result *entries; /* NULL: nobody asks */
	size_t n;
};

/* What befell the request befell all its entries. */
static void batch_set(struct batch *batch, enum sqs_result result)
{
	for (size_t i = 0; i < batch->n && batch->entries; i++)
		batch->entries[i] = result;
}

static void on_batch(void *userdata, const struct sqs_answer *answer,
	const struct sqs_entry_answer *entries, size_t n_entries)
{
	struct batch *batch = userdata;
	struct client *client = batch->client;

	client_end(client, answer);
	batch_set(batch, answer->result);
	for (size_t i = 0; i < n_entries; i++) {
		if (batch->entries)
			batch->entries[i] = entries[i].result;
		if (entries[i].result != SQS_OK && client->result == SQS_OK)
			client_note(client, entries[i].result, "", entries[i].text);
	}
}

static enum sqs_result client_wait_batch(struct batch *batch, int r)
{
	enum sqs_result result = client_wait(batch->client, r);

	if (!batch->client->answered)
		batch_set(batch, result);
	return result;
}

enum sqs_result client_delete(struct client *client, const char *url, const char *const *handles,
	size_t n, enum sqs_result *ret_entries)
{
	const struct sqs_delete what = {.handles = handles, .n_handles = n};
	struct batch batch = {client, ret_entries, n};
	struct sqs *sqs;

	int r = client_start(client, url, &sqs);
	if (r == 0)
		r = sqs_delete(sqs, &what, on_batch, &batch, &client->call);
	return client_wait_batch(&batch, r);
}

enum sqs_result client_change_visibility(struct client *client, const char *url,
	const struct sqs_visibility *entries, size_t n, enum sqs_result *ret_entries)
{
	const struct sqs_change what = {.entries = entries, .n_entries = n};
	struct batch batch = {client, ret_entries, n};
	struct sqs *sqs;

	int r = client_start(client, url, &sqs);
	if (r == 0)
		r = sqs_change_visibility(sqs, &what, on_batch, &batch, &client->call);
	return client_wait_batch(&batch, r);
}

struct sending {
	struct client *client;
	char *message_id;
};

static void on_sent(void *userdata, const struct sqs_answer *answer, const char *message_id)
{
	struct sending *sending = userdata;

	client_end(sending->client, answer);
	if (message_id)
		sending->message_id = strdup(message_id);
}

enum sqs_result client_send(
	struct client *client, const struct sqs_send *what, char **ret_message_id)
{
	struct sending sending = {.client = client};
	struct sqs *sqs;

	int r = client_start(client, client->settings->queue.url, &sqs);
	if (r == 0)
		r = sqs_send(sqs, what, on_sent, &sending, &client->call);
	enum sqs_result result = client_wait(client, r);
	if (result == SQS_OK && ret_message_id)
		*ret_message_id = sending.message_id;
	else
		free(sending.message_id);
	return result;
}
