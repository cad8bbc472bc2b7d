/*
 * What the active profile of the shared files gives: keys of its own, or a plan, which is carried
 * out one step after the other. The files are read anew for every search.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/credentials_process.h"
#include "aws/credentials_web_identity.h"
#include "aws/profile_plan.h"
#include "aws/sts.h"

struct chain {
	struct credential_search *search; /* what all of this is for */
	struct profile_files *files;
	struct profile_plan plan;
	struct credential_means means; /* the search's, with the region for this step */
	struct strbuf source;          /* of the credentials of this step */

	struct credential_search base; /* the first step; its text is every step's */
	bool base_in_progress;
	struct sts_call *call;     /* a later one; NULL: none is out */
	struct credentials *found; /* by the step before */
	size_t n_roles;            /* still to be assumed: the first ones of the plan */
};

static struct chain *chain_free(struct chain *chain)
{
	if (!chain)
		return NULL;
	if (chain->base_in_progress)
		credential_search_cancel(&chain->base);
	if (chain->call)
		sts_cancel(chain->call);
	credentials_unref(chain->found);
	profile_files_free(chain->files);
	strbuf_done(&chain->source);
	free(chain);
	return NULL;
}
DEFINE_CLEANUP(struct chain *, chain_free)

/* The means for one step; region NULL: the profile names none. */
static void set_region(struct chain *chain, const char *region)
{
	chain->means = *chain->search->means;
	if (region)
		chain->means.region = region;
}

/* What the new credentials are, in one line. */
static int set_source(struct chain *chain, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int set_source(struct chain *chain, const char *format, ...)
{
	va_list args;

	strbuf_reset(&chain->source);
	va_start(args, format);
	int r = strbuf_vprintf(&chain->source, format, args);
	va_end(args);
	return r < 0 ? credentials_failed(chain->base.text, -ENOMEM, "out of memory") : 0;
}

/* ---- The roles ---- */

static int chain_go_on(struct chain *chain, struct credentials *found, struct credentials **ret);

/* The end of the search, whose result is passed on. */
static int settle(struct chain *chain, int r)
{
	const struct profile_property *p = &chain->plan.base.property;
	char *text = chain->search->text;

	/* To name a source that has nothing is a mistake in the file. */
	if (r == -ENOENT)
		return credentials_failed(text, -EINVAL, "%s:%u: credential_source is %s, but %s",
			p->path, p->line, p->value, chain->base.text);
	memcpy(text, chain->base.text, sizeof chain->base.text);
	return r;
}

/* A step has ended after a while; takes what it found. */
static void after_step(struct chain *chain, int r, struct credentials *found)
{
	struct credential_search *search = chain->search;
	struct credentials *last = NULL;

	if (r == 0)
		r = chain_go_on(chain, found, &last);
	if (r == -EINPROGRESS)
		return;
	r = settle(chain, r);
	chain_free(chain);
	credential_search_end(search, r, last);
}

static void on_assumed(void *userdata, int r, const char *text, struct credentials *found)
{
	struct chain *chain = userdata;

	chain->call = NULL;
	snprintf(chain->base.text, sizeof chain->base.text, "%s", text);
	after_step(chain, r, found);
}

static int assume(struct chain *chain, const struct profile_role *role)
{
	int r = set_source(chain, "role %s of profile %s in %s, assumed with %s", role->arn.value,
		role->profile.name, role->arn.path, chain->found->source);
	if (r < 0)
		return r;
	const struct sts_request request = {
		.role_arn = role->arn.value,
		.session_name = role->session_name,
		.external_id = role->external_id,
		.duration = role->duration,
		.signed_by = chain->found,
		.source = strbuf_str(&chain->source),
	};
	set_region(chain, role->region);
	r = sts_start(&chain->means, &request, on_assumed, chain, &chain->call, chain->base.text);
	return r < 0 ? r : -EINPROGRESS;
}

/* Takes what the step before has found. -EINPROGRESS: the next one has begun. */
static int chain_go_on(struct chain *chain, struct credentials *found, struct credentials **ret)
{
	assert(found);
	credentials_unref(chain->found);
	chain->found = found;
	if (chain->n_roles > 0)
		return assume(chain, &chain->plan.roles[--chain->n_roles]);
	*ret = TAKE_PTR(chain->found);
	return 0;
}

/* ---- The base ---- */

static int make_keys(struct chain *chain, struct credentials **ret)
{
	const struct profile_base *base = &chain->plan.base;

	int r = set_source(chain, "profile %s in %s", base->profile.name, base->id.path);
	if (r < 0)
		return r;
	const struct credentials fields = {
		.access_key_id = base->id.value,
		.secret_access_key = base->secret,
		.session_token = base->token,
		.source = strbuf_str(&chain->source),
		.expires_at = USEC_INFINITY,
		.on_disk = true,
	};
	return credentials_new(&fields, chain->base.text, ret);
}

static int run_process(struct chain *chain)
{
	const struct profile_base *base = &chain->plan.base;

	int r = set_source(chain, "credential_process of profile %s in %s", base->profile.name,
		base->property.path);
	if (r < 0)
		return r;
	const struct credentials_process what = {
		.command = base->property.value,
		.source = strbuf_str(&chain->source),
	};
	return credentials_process_start(&chain->base, &what);
}

static int show_web_identity(struct chain *chain)
{
	const struct profile_base *base = &chain->plan.base;
	const struct profile_role *role = &base->role;

	int r = set_source(chain, "role %s of profile %s in %s, for its web identity",
		role->arn.value, base->profile.name, role->arn.path);
	if (r < 0)
		return r;
	const struct web_identity identity = {
		.token_file = base->token_file,
		.role_arn = role->arn.value,
		.session_name = role->session_name,
		.duration = role->duration,
		.source = strbuf_str(&chain->source),
	};
	set_region(chain, role->region);
	return credentials_web_identity_start(&chain->base, &identity);
}

static void on_base_ended(struct credential_search *search, int r, struct credentials *found)
{
	struct chain *chain = container_of(search, struct chain, base);

	chain->base_in_progress = false;
	after_step(chain, r, found);
}

static int start_base(struct chain *chain, struct credentials **ret)
{
	const struct profile_base *base = &chain->plan.base;

	chain->base.means = &chain->means;
	chain->base.ended = on_base_ended;
	set_region(chain, NULL);
	switch (base->kind) {
	case PROFILE_BASE_KEYS:
		return make_keys(chain, ret);
	case PROFILE_BASE_PROCESS:
		return run_process(chain);
	case PROFILE_BASE_WEB_IDENTITY:
		return show_web_identity(chain);
	case PROFILE_BASE_SOURCE:
		return credential_search_start(&chain->base, base->source, ret);
	}
	assert(false);
	return -EINVAL;
}

/* ---- The source ---- */

static int read_plan(struct chain *chain)
{
	struct credential_search *search = chain->search;
	struct profile active;

	int r = profile_files_read(search->means->getenv, &chain->files, search->text);
	r = r < 0 ? r
		  : profile_find_active(chain->files, search->means->getenv, &active, search->text);
	r = r < 0 ? r : profile_plan_make(&active, &chain->plan, search->text);
	chain->n_roles = chain->plan.n_roles;
	return r;
}

static int profile_start(struct credential_search *search, struct credentials **ret)
{
	_cleanup_(chain_freep) struct chain *chain = calloc(1, sizeof *chain);
	struct credentials *found = NULL;

	if (!chain)
		return credentials_failed(search->text, -ENOMEM, "out of memory");
	chain->search = search;
	chain->source = STRBUF_INIT;
	int r = read_plan(chain);
	if (r < 0)
		return r;
	r = start_base(chain, &found);
	chain->base_in_progress = r == -EINPROGRESS;
	if (r == 0)
		r = chain_go_on(chain, found, ret);
	if (r != -EINPROGRESS)
		return settle(chain, r);
	search->state = TAKE_PTR(chain);
	return r;
}

static void profile_cancel(struct credential_search *search)
{
	chain_free(search->state);
}

const struct credential_source credentials_profile = {
	.name = "profile",
	.start = profile_start,
	.cancel = profile_cancel,
};
