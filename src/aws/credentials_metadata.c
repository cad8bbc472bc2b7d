/*
 * The role of the instance profile, from EC2's instance metadata service: first its name, then its
 * keys.
 *
 * That nobody is there is "not configured here" only for as long as nobody ever was; whatever else
 * goes wrong is a failure. Keys that have expired are taken as they are: in an outage of its own
 * the service gives such, and AWS takes them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/credential_source.h"
#include "aws/credentials_json.h"
#include "aws/imds.h"

#define ROLES       "/latest/meta-data/iam/security-credentials/"
#define ROLE_MAX    128
#define ROLES_MAX   ((size_t)8 << 10)
#define ANSWER_MAX  ((size_t)128 << 10)
#define SOURCE_NAME "instance metadata"

/* What IAM lets a role be called. */
#define ROLE_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+=,.@_-"

struct metadata {
	struct imds_call *call;
	char role[ROLE_MAX];
};

static void metadata_end(struct credential_search *search, int r, struct credentials *found)
{
	free(search->state);
	credential_search_end(search, r, found);
}

static void on_keys(void *userdata, int r, const char *text, const char *body)
{
	struct credential_search *search = userdata;
	const struct metadata *m = search->state;
	char source[sizeof SOURCE_NAME + ROLE_MAX + 16];
	struct credentials *found = NULL;

	snprintf(source, sizeof source, SOURCE_NAME ", role %s", m->role);
	const struct credentials_json_form form = {
		.source = source,
		.token_name = "Token",
		.temporary = true,
		.secret = imds_token(search->means->imds),
	};
	if (r == 0)
		r = credentials_json_read(body, strlen(body), &form, search->text, &found);
	else
		credentials_failed(search->text, r, "%s: %s", source, text);
	/* The role was there a moment ago. */
	metadata_end(search, r == -ENODATA || r == -ENOENT ? -EAGAIN : r, found);
}

static int ask(
	struct credential_search *search, const char *path, size_t max_answer, imds_done_fn *done)
{
	struct metadata *m = search->state;
	const struct imds_request request = {
		.path = path,
		.max_answer = max_answer,
		.done = done,
		.userdata = search,
	};

	return imds_get(search->means->imds, &request, search->text, &m->call);
}

/* The first line, if it may stand in a path. */
static bool read_role(const char *body, char ret[static ROLE_MAX])
{
	size_t len = strcspn(body, "\r\n");

	if (len == 0 || len >= ROLE_MAX || strspn(body, ROLE_CHARACTERS) != len || body[0] == '.')
		return false;
	memcpy(ret, body, len);
	ret[len] = '\0';
	return true;
}

static int ask_for_keys(struct credential_search *search, const char *roles)
{
	struct metadata *m = search->state;
	char path[sizeof ROLES + ROLE_MAX];

	if (!read_role(roles, m->role))
		return credentials_failed(
			search->text, -EBADMSG, SOURCE_NAME ": the role's name is not one");
	snprintf(path, sizeof path, ROLES "%s", m->role);
	return ask(search, path, ANSWER_MAX, on_keys);
}

static void on_roles(void *userdata, int r, const char *text, const char *body)
{
	struct credential_search *search = userdata;

	if (r == -ENODATA || (r == 0 && *body == '\0'))
		r = credentials_failed(search->text, -ENODATA,
			SOURCE_NAME ": this instance has no role: attach an instance profile to it "
				    "(IamInstanceProfile)");
	else if (r < 0)
		credentials_failed(search->text, r, SOURCE_NAME ": %s", text);
	else
		r = ask_for_keys(search, body);
	if (r < 0)
		metadata_end(search, r, NULL);
}

static int metadata_start(struct credential_search *search, struct credentials **ret)
{
	(void)ret;
	search->state = calloc(1, sizeof(struct metadata));
	if (!search->state)
		return credentials_failed(search->text, -ENOMEM, "out of memory");

	int r = ask(search, ROLES, ROLES_MAX, on_roles);
	if (r == 0)
		return -EINPROGRESS;
	free(search->state);
	return r;
}

static void metadata_cancel(struct credential_search *search)
{
	struct metadata *m = search->state;

	imds_cancel(m->call);
	free(m);
}

const struct credential_source credentials_metadata = {
	.name = "instance metadata",
	.start = metadata_start,
	.cancel = metadata_cancel,
};
