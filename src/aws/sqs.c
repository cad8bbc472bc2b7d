#include "aws/sqs.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "aws/queue_url.h"
#include "aws/sqs_call.h"
#include "aws/sqs_codec_write.h"

#define RECEIVE_MARGIN (8 * USEC_PER_SEC)
#define OTHERS_TIMEOUT (10 * USEC_PER_SEC)

/* A body of 1 MiB, each of its bytes escaped as \u00XX; its wrapping has room in the other. */
#define MESSAGE_MAX       ((size_t)6 << 20)
#define OTHER_ANSWERS_MAX ((size_t)1 << 20)

int sqs_receive(struct sqs *sqs, const struct sqs_receive *what, sqs_receive_fn *done,
	void *userdata, struct sqs_call **ret_call)
{
	struct sqs_call *call;
	int r = sqs_call_get(sqs, SQS_RECEIVE, NULL, &call);
	if (r < 0)
		return r;

	sqs_codec_write_receive(&call->body, sqs->queue_url, what);
	call->goal.n_expected = what->max_messages;
	call->goal.details = what->details;
	call->goal.done.receive = done;
	call->goal.userdata = userdata;
	return sqs_call_start(call, what->wait, RECEIVE_MARGIN,
		what->max_messages * MESSAGE_MAX + OTHER_ANSWERS_MAX, ret_call);
}

static usec_t sqs_timeout(usec_t patience)
{
	return patience ? usec_min(OTHERS_TIMEOUT, patience) : OTHERS_TIMEOUT;
}

int sqs_delete(struct sqs *sqs, const struct sqs_delete *what, sqs_batch_fn *done, void *userdata,
	struct sqs_call **ret_call)
{
	struct sqs_call *call;
	int r = sqs_call_get(sqs, SQS_DELETE, NULL, &call);
	if (r < 0)
		return r;

	sqs_codec_write_delete(&call->body, sqs->queue_url, what->handles, what->n_handles);
	call->goal.n_expected = (unsigned)what->n_handles;
	call->goal.done.batch = done;
	call->goal.userdata = userdata;
	return sqs_call_start(call, 0, sqs_timeout(what->patience), OTHER_ANSWERS_MAX, ret_call);
}

int sqs_change_visibility(struct sqs *sqs, const struct sqs_change *what, sqs_batch_fn *done,
	void *userdata, struct sqs_call **ret_call)
{
	struct sqs_call *call;
	int r = sqs_call_get(sqs, SQS_CHANGE_VISIBILITY, NULL, &call);
	if (r < 0)
		return r;

	sqs_codec_write_visibility(&call->body, sqs->queue_url, what->entries, what->n_entries);
	call->goal.n_expected = (unsigned)what->n_entries;
	call->goal.done.batch = done;
	call->goal.userdata = userdata;
	return sqs_call_start(call, 0, sqs_timeout(what->patience), OTHER_ANSWERS_MAX, ret_call);
}

int sqs_get_attributes(struct sqs *sqs, const char *queue_url, sqs_attributes_fn *done,
	void *userdata, struct sqs_call **ret_call)
{
	struct sqs_call *call;
	int r = sqs_call_get(sqs, SQS_GET_ATTRIBUTES, queue_url, &call);
	if (r < 0)
		return r;

	sqs_codec_write_attributes(&call->body, queue_url ? queue_url : sqs->queue_url);
	call->goal.done.attributes = done;
	call->goal.userdata = userdata;
	return sqs_call_start(call, 0, OTHERS_TIMEOUT, OTHER_ANSWERS_MAX, ret_call);
}

int sqs_send(struct sqs *sqs, const struct sqs_send *what, sqs_sent_fn *done, void *userdata,
	struct sqs_call **ret_call)
{
	struct sqs_call *call;
	int r = sqs_call_get(sqs, SQS_SEND, what->queue_url, &call);
	if (r < 0)
		return r;

	sqs_codec_write_send(&call->body, what);
	call->goal.done.sent = done;
	call->goal.userdata = userdata;
	return sqs_call_start(call, 0, OTHERS_TIMEOUT, OTHER_ANSWERS_MAX, ret_call);
}

int sqs_ask(struct sqs *sqs, const struct sqs_ask *what, sqs_asked_fn *done, void *userdata,
	struct sqs_call **ret_call)
{
	struct sqs_call *call;
	int r = sqs_call_get(sqs, what->action, what->queue, &call);
	if (r < 0)
		return r;

	strbuf_puts(&call->body, what->body);
	call->goal.done.asked = done;
	call->goal.userdata = userdata;
	return sqs_call_start(call, 0, OTHERS_TIMEOUT, OTHER_ANSWERS_MAX, ret_call);
}

uint64_t sqs_n_ended(const struct sqs *sqs, enum sqs_action action, enum sqs_result result)
{
	return sqs->n_ended[action][result];
}

void sqs_cancel(struct sqs_call *call)
{
	sqs_call_cancel(call);
}

static int sqs_copy_options(struct sqs *sqs, const struct sqs_options *options)
{
	int r = endpoint_read(options->endpoint, options->plain, &sqs->endpoint);
	if (r < 0)
		return r;

	sqs->queue_url = strdup(options->queue_url);
	if (!sqs->queue_url)
		return -ENOMEM;
	sqs->queue = queue_url_name(sqs->queue_url);
	return 0;
}

int sqs_set_region(struct sqs *sqs, const char *region)
{
	_cleanup_strbuf_ struct strbuf arn = STRBUF_INIT;
	struct signer *signer;

	int r = queue_url_arn(sqs->queue_url, region, &arn);
	r = r < 0 ? r : signer_new(sqs->skew, region, "sqs", &signer);
	if (r < 0)
		return r;
	signer_free(sqs->signer);
	sqs->signer = signer;
	free(sqs->queue_arn);
	sqs->queue_arn = strbuf_take(&arn);
	return 0;
}

void sqs_get_queue(const struct sqs *sqs, struct sqs_queue *ret)
{
	*ret = (struct sqs_queue){
		.name = sqs->queue,
		.arn = sqs->queue_arn ? sqs->queue_arn : "",
		.region = sqs->signer ? signer_region(sqs->signer) : "",
	};
}

void sqs_set_region_complaint(struct sqs *sqs, const char *text)
{
	snprintf(sqs->region_complaint, sizeof sqs->region_complaint, "%s", text);
}

int sqs_new(struct http *http, struct credential_store *credentials, struct skew *skew,
	const struct sqs_options *options, struct sqs **ret)
{
	_cleanup_(sqs_freep) struct sqs *sqs = calloc(1, sizeof *sqs);
	if (!sqs)
		return -ENOMEM;
	TAILQ_INIT(&sqs->out);
	TAILQ_INIT(&sqs->waiting);
	TAILQ_INIT(&sqs->due);
	TAILQ_INIT(&sqs->idle);
	sqs->http = http;
	sqs->credentials = credentials;
	sqs->skew = skew;
	sqs->md5 = EVP_MD_fetch(NULL, "MD5", NULL);

	int r = sqs_copy_options(sqs, options);
	if (r == 0 && options->region[0])
		r = sqs_set_region(sqs, options->region);
	r = r < 0 ? r : sqs_call_init(sqs);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(sqs);
	return 0;
}

struct sqs *sqs_free(struct sqs *sqs)
{
	if (!sqs)
		return NULL;
	sqs_call_done(sqs);
	signer_free(sqs->signer);
	EVP_MD_free(sqs->md5);
	free(sqs->queue_url);
	free(sqs->queue_arn);
	free(sqs);
	return NULL;
}
