/*
 * The credentials endpoint beside a container, as two agents have it: that of ECS answers
 * /v2/credentials/ID ("Amazon ECS task IAM role", Amazon ECS Developer Guide), that of EKS Pod
 * Identity /v1/credentials, where the token alone says which container asks.
 */
#pragma once

#include <sys/queue.h>

#include "control.h"
#include "issuer.h"

LIST_HEAD(container_list, container);

extern const struct identity_service container_service;

void containers_clear(struct container_list *containers);

control_fn container_post, container_delete;
