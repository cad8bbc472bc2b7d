#include "identity.h"

#include <string.h>

#include "service.h"

static const struct identity_service *const identity_services[] = {
	&sts_service,
	&metadata_service,
	&container_service,
};

void identity_init(struct identity *identity)
{
	identity->roles = json_object();
	metadata_init(&identity->metadata);
	LIST_INIT(&identity->containers);
}

void identity_done(struct identity *identity)
{
	json_decref(identity->roles);
	metadata_done(&identity->metadata);
	containers_clear(&identity->containers);
}

const struct identity_service *identity_find(struct exchange *exchange, const char **ret_name)
{
	for (size_t i = 0; i < sizeof identity_services / sizeof *identity_services; i++) {
		const char *name = identity_services[i]->claim(exchange);
		if (!name)
			continue;
		*ret_name = name;
		return identity_services[i];
	}
	return NULL;
}

void identity_reply(struct exchange *exchange, unsigned status, const char *type, char *text)
{
	exchange->answer.status = status;
	exchange->answer.content_type = type;
	exchange->answer.body = text;
	exchange->answer.body_len = text ? strlen(text) : 0;
}
