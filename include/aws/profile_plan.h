/*
 * How a profile says that its credentials are come by: "Assume role credential provider" in the
 * SDKs and Tools Reference Guide. A plan is a base, which needs nobody's keys, and the roles that
 * are assumed from there one after the other.
 *
 * Decided from the files alone, all of it before anything is asked for. Pure.
 */
#pragma once

#include "aws/credential_source.h"
#include "aws/profile.h"

#define PROFILE_PLAN_ROLES_MAX 16

struct profile_role {
	struct profile profile;
	struct profile_property arn;
	const char *external_id;  /* NULL: none */
	const char *session_name; /* NULL: left to us */
	const char *region;       /* of the token service; NULL: the profile names none */
	usec_t duration;          /* 0: left to the service */
};

enum profile_base_kind {
	PROFILE_BASE_KEYS,
	PROFILE_BASE_PROCESS,
	PROFILE_BASE_WEB_IDENTITY,
	PROFILE_BASE_SOURCE,
};

struct profile_base {
	enum profile_base_kind kind;
	struct profile profile;
	/* KEYS: id is where they are; token NULL: none */
	struct profile_property id;
	const char *secret;
	const char *token;
	/* PROCESS: the command; SOURCE: its name */
	struct profile_property property;
	/* SOURCE: which is asked */
	const struct credential_source *source;
	/* WEB_IDENTITY */
	struct profile_role role;
	const char *token_file;
};

/* Borrows the files of its profiles. */
struct profile_plan {
	struct profile_base base;
	/* As they are named: the last one is assumed first, with the base's keys. */
	struct profile_role roles[PROFILE_PLAN_ROLES_MAX];
	size_t n_roles;
};

/*
 * ret is of use only after 0. -ENOENT: the profile has nothing to say of credentials; -EINVAL: it
 * cannot be done as it is written; -ENOMEM. Then ret_text is one line with file, line and cure.
 */
int profile_plan_make(const struct profile *profile, struct profile_plan *ret,
	char ret_text[static CREDENTIALS_TEXT_MAX]);
