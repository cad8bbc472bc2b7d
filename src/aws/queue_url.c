#include "aws/queue_url.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "aws/partition.h"

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
	bool has_name = colon && colon > part && colon[1] && !strchr(colon + 1, ':');
	return has_name && !strpbrk(arn, "/?#") ? part : NULL;
}

/* Where the last part but one of a path begins, the account's with AWS. */
static const char *queue_url_parent(const char *path, const char *last)
{
	const char *parent = last;

	while (parent > path && parent[-1] != '/')
		parent--;
	return parent;
}

int queue_url_of_arn(const char *url, const char *arn, struct strbuf *out)
{
	const char *account = queue_url_account(arn), *host = strstr(url, "://");
	const char *path = host ? strchr(host + 3, '/') : NULL;

	if (!account || !path)
		return -EINVAL;
	const char *name = strchr(account, ':') + 1, *last = strrchr(path, '/');
	const char *parent = queue_url_parent(path, last);

	/* Emulators have other things there than the account. */
	if (queue_url_is_account(parent, (size_t)(last - parent))) {
		strbuf_append(out, url, (size_t)(parent - url));
		strbuf_append(out, account, (size_t)(name - 1 - account));
	} else {
		strbuf_append(out, url, (size_t)(last - url));
	}
	return strbuf_printf(out, "/%s", name) < 0 ? out->error : 0;
}

int queue_url_arn(const char *url, const char *region, struct strbuf *out)
{
	const char *last = strrchr(url, '/');
	const char *account = last ? queue_url_parent(url, last) : NULL;

	if (!account || !queue_url_is_account(account, (size_t)(last - account)))
		account = "000000000000";
	return strbuf_printf(out, "arn:%s:sqs:%s:%.*s:%s", partition_name(region), region,
		ACCOUNT_DIGITS, account, queue_url_name(url));
}

const char *queue_url_name(const char *text)
{
	const char *end = strrchr(text, '/');

	if (!end)
		end = strrchr(text, ':');
	return end ? end + 1 : text;
}
