/*
 * SQS for a command: one question after the other, each of them waited for.
 *
 * Owns an event loop of its own, the connections, and who we are to AWS; the same parts that the
 * daemon is made of, and so the same credentials, signatures, ceilings and texts. Nothing is
 * retried but what aws/sqs retries. Main thread; every call blocks until it is answered, has run
 * out of time, or Ctrl-C came (SQS_UNREACHABLE, "interrupted").
 *
 * Queues are named by their URLs, which are at the configured endpoint.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/sqs.h"
#include "conf/settings.h"

struct client;

#define CLIENT_TEXT_MAX 1024

/*
 * Borrows settings for its life. Waits until it is known which credentials and which region there
 * are. 0, or the exit status of a failure that was said.
 */
int client_open(const struct settings *settings, struct client **ret);
struct client *client_close(struct client *client);
DEFINE_CLEANUP(struct client *, client_close)

/* The same where a failure is part of the answer: its line in ret_text, and nothing is said. */
int client_try_open(const struct settings *settings, struct client **ret,
	char ret_text[static CLIENT_TEXT_MAX]);

/* "" while it is not known. Borrowed. */
const char *client_region(const struct client *client);
/* Whose signatures these are: for doctor. Borrowed. */
struct identity *client_identity(struct client *client);

/* AWS's clock minus ours, by the last answer to client_ask(). False: not known. */
bool client_clock(const struct client *client, int64_t *ret_usec);

/* One line about the last failure, and the service's code for it or "". */
const char *client_error(const struct client *client);
const char *client_code(const struct client *client);

/*
 * An operators' action. queue: the URL, ARN or name of the queue that it is about, for texts.
 * request: stolen. ret: owned, an object; may be NULL.
 */
enum sqs_result client_ask(struct client *client, enum sqs_action action, const char *queue,
	json_t *request, json_t **ret);

/* All attributes of the queue: their names and values as SQS has them, all strings. ret: owned. */
enum sqs_result client_attributes(struct client *client, const char *url, json_t **ret);

/*
 * The URL of the queue's dead letter queue, owned; NULL with SQS_OK: it has no redrive policy.
 */
enum sqs_result client_dead_letters(struct client *client, const char *url, char **ret);

/* What a message is borrows from the answer. Negative: no more of this answer, please. */
typedef int client_take_fn(void *userdata, const struct sqs_message *message);

enum sqs_result client_receive(struct client *client, const char *url,
	const struct sqs_receive *what, client_take_fn *take, void *userdata);
/* The first failed entry's result, or SQS_OK when all went well; ret_entries: n of them, or NULL.
 * At most SQS_BATCH_MAX at a time.
 */
enum sqs_result client_delete(struct client *client, const char *url, const char *const *handles,
	size_t n, enum sqs_result *ret_entries);
enum sqs_result client_change_visibility(struct client *client, const char *url,
	const struct sqs_visibility *entries, size_t n, enum sqs_result *ret_entries);
/* what->queue_url says where to. ret_message_id: owned; may be NULL. */
enum sqs_result client_send(
	struct client *client, const struct sqs_send *what, char **ret_message_id);
