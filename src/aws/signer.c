#include "aws/signer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct signer {
	const struct skew *skew;
	struct sigv4 *sigv4;
	char *region;
	char *service;
};

int signer_new(
	const struct skew *skew, const char *region, const char *service, struct signer **ret)
{
	_cleanup_(signer_freep) struct signer *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	s->skew = skew;
	s->region = strdup(region);
	s->service = strdup(service);
	if (!s->region || !s->service)
		return -ENOMEM;

	int r = sigv4_new(&s->sigv4);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

struct signer *signer_free(struct signer *s)
{
	if (!s)
		return NULL;
	sigv4_free(s->sigv4);
	free(s->region);
	free(s->service);
	free(s);
	return NULL;
}

const char *signer_region(const struct signer *s)
{
	return s->region;
}

int signer_sign(struct signer *s, const struct credentials *c, const struct sigv4_request *request,
	struct sigv4_signed *ret)
{
	const struct sigv4_keys keys = {
		.access_key_id = c->access_key_id,
		.secret_access_key = c->secret_access_key,
		.session_token = c->session_token,
	};
	char timestamp[SIGV4_TIMESTAMP_SIZE];
	const struct sigv4_scope scope = {timestamp, s->region, s->service};

	int r = sigv4_format_timestamp(skew_now(s->skew), timestamp);
	if (r < 0)
		return r;
	return sigv4_sign(s->sigv4, &keys, &scope, request, ret);
}
