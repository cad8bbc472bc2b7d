/*
 * The metadata service of an EC2 instance, IMDSv2 only ("Use the Instance Metadata Service", Amazon
 * EC2 User Guide): a session token first, then where the instance is and the keys of its role.
 */
#pragma once

#include <sys/queue.h>

#include "control.h"
#include "issuer.h"

TAILQ_HEAD(metadata_tokens, metadata_token);

struct metadata {
	json_t *terms; /* as ordered */
	struct issued issued;
	struct metadata_tokens tokens; /* owns */
};

extern const struct identity_service metadata_service;

void metadata_init(struct metadata *metadata);
void metadata_done(struct metadata *metadata);

control_fn metadata_post, metadata_delete;
