/*
 * URLs, as settings, the environment and SQS's answers have them: conf/url, aws/container_uri,
 * aws/queue_url, conf/mask. An input is a URL, and in a second line a queue's ARN.
 */
#include <assert.h>
#include <errno.h>

#include "aws/container_uri.h"
#include "aws/queue_url.h"
#include "conf/mask.h"
#include "conf/url.h"
#include "fuzz.h"
#include "net/http_url.h"

static const char *given;

static char *get(const char *name)
{
	return strcmp(name, "AWS_CONTAINER_CREDENTIALS_FULL_URI") == 0 ? (char *)given : NULL;
}

/* Whether the host is the one that libcurl would connect to, but for its letters' size. */
static bool same_host(const struct url *url, const struct http_url *other)
{
	bool brackets = other->host[0] == '[';
	size_t len = strlen(other->host) - 2 * brackets;

	return url->host_len == len && strncasecmp(url->host, other->host + brackets, len) == 0;
}

/* What is allowed for its host leads to that very host when libcurl is given it. */
static void assert_as_libcurl_reads_it(const char *text, const struct url *url)
{
	struct http_url other;

	if (http_url_parse(text, &other) < 0)
		return;
	assert(url->tls == (strcmp(other.scheme, "https") == 0));
	assert(!url_is_this_machine(url) || http_url_is_loopback(&other));
	assert(!url_is_aws(url) || same_host(url, &other));
}

static void read_url(const char *text)
{
	const char *wrong = NULL, *end = text + strlen(text);
	char region[URL_REGION_MAX + 1] = "";
	struct url url;

	int r = url_parse_request(text, &url, &wrong);
	assert(r == 0 ? !wrong : r == -EINVAL && *wrong);
	if (r < 0)
		return;
	assert(url.host > text && url.host_len > 0 && url.host + url.host_len <= url.path);
	assert(url.path == text + url.origin_len && url.path <= end);
	assert(*url.path == '\0' || *url.path == '/' || *url.path == '?');
	assert(!url_is_this_machine(&url) || url_is_loopback(&url));
	assert(!url_region(&url, region) || url_is_region(region));
	assert_as_libcurl_reads_it(text, &url);
	r = url_parse(text, &url, &wrong);
	assert((r == 0) == !strchr(url.path, '?'));
}

/* A token goes only where nobody on the way can read it. */
static void find_container(const char *text)
{
	char why[CREDENTIALS_TEXT_MAX] = "";
	struct container_uri uri;
	struct http_url url;

	given = text;
	int r = container_uri_find(get, &uri, why);
	if (r < 0) {
		assert(r == (*text ? -EINVAL : -ENOENT));
		assert(*why && !strstr(why, "hunter2"));
		return;
	}
	assert(strcmp(uri.url, text) == 0 && http_url_parse(uri.url, &url) == 0);
	assert(strcmp(url.scheme, "https") == 0 || http_url_is_loopback(&url) ||
		strncmp(url.host, "169.254.170.2", 13) == 0 || url.host[0] == '[');
}

static void find_queue(const char *text, const char *arn)
{
	_cleanup_strbuf_ struct strbuf url = STRBUF_INIT, own_arn = STRBUF_INIT,
				       again = STRBUF_INIT;

	assert(queue_url_arn(text, "eu-west-1", &own_arn) == 0);
	int r = queue_url_of_arn(text, arn, &url);
	assert(r == 0 || (r == -EINVAL && url.len == 0));
	if (r < 0)
		return;
	/* The same host, and the queue's name last. */
	size_t origin_len = (size_t)(strchr(strstr(text, "://") + 3, '/') - text);
	assert(url.len > origin_len && strncmp(url.data, text, origin_len + 1) == 0);
	assert(strcmp(queue_url_name(url.data), queue_url_name(arn)) == 0);
	/* From there the same way leads to the same place. */
	assert(queue_url_of_arn(url.data, arn, &again) == 0);
	assert(strcmp(again.data, url.data) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size);
	_cleanup_free_ char *text = fuzz_take_line(&input);
	_cleanup_free_ char *arn = fuzz_take_line(&input);
	_cleanup_strbuf_ struct strbuf masked = STRBUF_INIT;

	read_url(text);
	find_container(text);
	find_queue(text, arn);
	mask_service_url(text, &masked);
	assert(!strchr(strbuf_str(&masked), '?') || strstr(masked.data, "?" MASK));
	return 0;
}
