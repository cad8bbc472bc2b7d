#include "ctl/site.h"

#include <stdlib.h>
#include <string.h>

#include "aws/queue_url.h"
#include "ctl/attributes.h"
#include "ctl/ctl.h"

void site_done(struct site *site)
{
	free(site->url);
	json_decref(site->attributes);
	*site = (struct site){0};
}

static enum sqs_result site_find_url(struct client *client, struct site *site)
{
	json_auto_t *answer = NULL;

	enum sqs_result result = client_ask(client, SQS_GET_URL, site->name,
		json_pack("{s:s}", "QueueName", site->name), &answer);
	const char *url = json_string_value(json_object_get(answer, "QueueUrl"));
	if (result == SQS_OK && url)
		site->url = strdup(url);
	return result;
}

int site_find(struct client *client, struct site *site)
{
	enum sqs_result result = site->url ? SQS_OK : site_find_url(client, site);

	if (result == SQS_OK && site->url)
		result = client_attributes(client, site->url, &site->attributes);
	if (result == SQS_OK || result == SQS_NO_QUEUE)
		return EXIT_SUCCESS;
	return ctl_fail(EXIT_FAILURE, "%s", client_error(client));
}

const char *site_attribute(const struct site *site, const char *name)
{
	return json_string_value(json_object_get(site->attributes, name));
}

uint64_t site_messages(const struct site *site)
{
	return attributes_messages(site->attributes);
}

bool site_follow(const struct site *site, struct site *ret_dead_letters)
{
	_cleanup_strbuf_ struct strbuf url = STRBUF_INIT;
	const char *text = site_attribute(site, "RedrivePolicy");
	json_auto_t *policy = text ? json_loads(text, 0, NULL) : NULL;
	const char *arn = json_string_value(json_object_get(policy, "deadLetterTargetArn"));

	if (!arn || queue_url_of_arn(site->url, arn, &url) < 0)
		return false;
	ret_dead_letters->url = strbuf_take(&url);
	return true;
}
