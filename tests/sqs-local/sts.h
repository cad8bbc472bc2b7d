/*
 * The security token service (AWS STS API 2011-06-15, Query protocol): AssumeRole,
 * AssumeRoleWithWebIdentity and GetCallerIdentity. Policies, tags and MFA are overlooked.
 *
 * Roles are known by their ARN, and each says who may take it: one key, whoever brings a web
 * identity token, or, if neither is named, every key of the account that may AssumeRole.
 */
#pragma once

#include "control.h"

extern const struct identity_service sts_service;

control_fn sts_post_roles, sts_delete_roles;
