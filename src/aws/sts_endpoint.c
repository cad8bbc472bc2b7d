#include "aws/sts_endpoint.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "aws/partition.h"
#include "aws/region.h"

static const char *configured(const struct credential_means *means)
{
	if (credentials_getenv_is_true(means->getenv, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"))
		return NULL;
	const char *url = credentials_getenv(means->getenv, "AWS_ENDPOINT_URL_STS");
	return url ? url : credentials_getenv(means->getenv, "AWS_ENDPOINT_URL");
}

/* In us-gov all endpoints are validated, under their usual name; in China there are none. */
static bool has_fips_name(const char *region)
{
	return strncmp(region, "us-gov-", 7) != 0 && strncmp(region, "cn-", 3) != 0;
}

int sts_endpoint_find(const struct credential_means *means, struct strbuf *out,
	char ret_text[static CREDENTIALS_TEXT_MAX])
{
	const char *url = configured(means), *region = means->region;
	bool fips = credentials_getenv_is_true(means->getenv, "AWS_USE_FIPS_ENDPOINT");
	int r;

	if (!url && (!region || !*region))
		return credentials_failed(ret_text, -EAGAIN,
			"a role needs the region whose token service is to be asked: set "
			"AWS_REGION, or the service's URL in AWS_ENDPOINT_URL_STS");
	if (!url && !region_is_name(region))
		return credentials_failed(ret_text, -EINVAL,
			"the token service's region has a name that no region has: correct the "
			"profile's region or AWS_REGION");
	if (url)
		r = strbuf_puts(out, url);
	else
		r = strbuf_printf(out, "https://sts%s.%s.%s",
			fips && has_fips_name(region) ? "-fips" : "", region,
			partition_suffix(region));
	return r < 0 ? credentials_failed(ret_text, r, "out of memory") : 0;
}

const char *sts_endpoint_region(const struct credential_means *means)
{
	return means->region && *means->region ? means->region : "us-east-1";
}
