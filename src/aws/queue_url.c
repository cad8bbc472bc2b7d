#include "aws/queue_url.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define ACCOUNT_DIGITS 12

static bool queue_url_is_account(const char *text, size_t len)
{
	return len == ACCOUNT_DIGITS && strspn(text, "0123456789") >= ACCOUNT_DIGITS;
}

/* The account in a queue's ARN; NULL: it is none. */
static const char *queue_url_account(const char *arn)
{
	const char *part = arn;

	if (strncmp(arn, "arn:", 4) != 0)
		return NULL;
	/* Over partition, service and region. */
	for (int i = 0; i < 4; i++) {
		part = strchr(part, ':');
		if (!part)
			return NULL;
		part++;
		if (i == 1 && strncmp(part, "sqs:", 4) != 0)
			return NULL;
	}
	const char *colon = strchr(part, ':');
	return colon && colon > part && colon[1] && !strpbrk(part, "/?#") ? part : NULL;
}

int queue_url_of_arn(const char *url, const char *arn, struct strbuf *out)
{
	const char *account = queue_url_account(arn), *host = strstr(url, "://");
	const char *path = host ? strchr(host + 3, '/') : NULL;

	if (!account || !path)
		return -EINVAL;
	const char *name = strchr(account, ':') + 1, *last = strrchr(path, '/');
	const char *parent = last;
	while (parent > path && parent[-1] != '/')
		parent--;

	/* Emulators have other things there than the account. */
	if (queue_url_is_account(parent, (size_t)(last - parent))) {
		strbuf_append(out, url, (size_t)(parent - url));
		strbuf_append(out, account, (size_t)(name - 1 - account));
	} else {
		strbuf_append(out, url, (size_t)(last - url));
	}
	return strbuf_printf(out, "/%s", name) < 0 ? out->error : 0;
}

const char *queue_url_name(const char *text)
{
	const char *end = strrchr(text, '/');

	if (!end)
		end = strrchr(text, ':');
	return end ? end + 1 : text;
}
