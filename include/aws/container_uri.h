/*
 * Where a container's credentials are: what ECS, EKS (Pod Identity), Greengrass and others of AWS's
 * hosts put into a container's environment. Pure.
 *
 *     AWS_CONTAINER_CREDENTIALS_RELATIVE_URI  a path at http://169.254.170.2; beats
 *     AWS_CONTAINER_CREDENTIALS_FULL_URI      a URL: https, or http to an address that no packet
 *                                             leaves this machine for: loopback, 169.254.170.2,
 *                                             169.254.170.23, fd00:ec2::23
 *
 * The path may be all that protects the keys behind it, so no text quotes it.
 */
#pragma once

#include "aws/credentials.h"

#define CONTAINER_URI_MAX 2048

struct container_uri {
	char url[CONTAINER_URI_MAX];
	char place[288]; /* scheme, host and port of it, for texts */
};

/* 0; -ENOENT: neither is set; -EINVAL: it is wrong; ret_text says what in one line. */
int container_uri_find(credentials_getenv_fn *getenv_fn, struct container_uri *ret,
	char ret_text[static CREDENTIALS_TEXT_MAX]);
