/*
 * What a client consists of. For ctl/client, which opens it and waits, ctl/client_ask, the
 * questions of operators, and ctl/client_messages, what is done with messages; nobody else includes
 * it.
 *
 * A question is started, put with &client->call as its call, noted by its callback, and waited for.
 */
#pragma once

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "aws/sqs_fault.h"
#include "ctl/client.h"
#include "daemon/identity.h"

/* A queue as somebody who receives and deletes there sees it. */
struct line {
	LIST_ENTRY(line) link;
	struct sqs *sqs;
	char *url;
};

struct client {
	const struct settings *settings;
	sd_event *event;
	struct http *http;
	struct identity *identity;
	LIST_HEAD(lines, line) lines;
	/* The question that is out. */
	struct sqs_call *call;
	bool answered;
	/* How the last one went. */
	enum sqs_result result;
	char text[SQS_FAULT_TEXT_MAX];
	char code[SQS_CODE_MAX];
	bool knows_clock;
	int64_t clock_usec;
};

/* ret: the queue of that URL. 0, or a negative errno for client_wait(). */
int client_start(struct client *client, const char *url, struct sqs **ret);
/* In the callback. */
void client_end(struct client *client, const struct sqs_answer *answer);
/* r: of putting it. Returns when its callback came, or never will. */
enum sqs_result client_wait(struct client *client, int r);

/* How it went, if not as the answer says. Returns result. */
enum sqs_result client_note(
	struct client *client, enum sqs_result result, const char *code, const char *text);
enum sqs_result client_fail(struct client *client, int r);
