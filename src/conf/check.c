#include "conf/check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conf/assign.h"
#include "conf/check_job.h"
#include "conf/environment.h"
#include "conf/keys.h"
#include "conf/sources.h"
#include "conf/url.h"

struct check {
	const struct settings_request *request;
	struct settings *settings;
	struct report *report;
	struct url queue; /* of [queue] url, if that is set */
};

static const char *check_origin(const struct check *c, const struct key *key)
{
	return c->settings->origins[key - keys];
}

/* Writes the place a message points to: where the key's value stands, or where it should. */
static void check_place(const struct check *c, const struct key *key, struct strbuf *out)
{
	const char *origin = check_origin(c, key);

	if (origin) {
		keys_place(key, origin, out);
	} else {
		sources_config_path(c->request, out);
		strbuf_printf(out, ": [%s] %s: ", key->section, key->name);
	}
}

static void check_problem(const struct check *c, const struct key *key, const char *text)
{
	_cleanup_strbuf_ struct strbuf place = STRBUF_INIT;

	check_place(c, key, &place);
	report_problem(c->report, "%s%s", strbuf_str(&place), text);
}

static void check_warning(const struct check *c, const struct key *key, const char *text)
{
	_cleanup_strbuf_ struct strbuf place = STRBUF_INIT;

	check_place(c, key, &place);
	report_warning(c->report, "%s%s", strbuf_str(&place), text);
}

/* A value that follows from something else, as if it had been given there. */
static int check_derive(
	const struct check *c, const struct key *key, const char *from, const char *text)
{
	struct assign_value value = {.from = from, .text = text};

	return assign(key, c->settings, c->settings->origins, &value, c->report);
}

static void check_required(const struct check *c)
{
	for (const struct key *k = keys; k < keys + n_keys; k++) {
		if (!(k->flags & KEY_REQUIRED) || keys_is_of_job(k) || check_origin(c, k))
			continue;
		char own[KEY_ENVIRONMENT_MAX] = "";
		_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
		keys_environment(k, own);
		strbuf_printf(&line, "required but not set here nor in the environment (%s", own);
		for (size_t i = 0; i < KEY_OTHER_NAMES_MAX && k->other_names[i]; i++)
			strbuf_printf(&line, ", %s", k->other_names[i]);
		strbuf_putc(&line, ')');
		if (k == keys_find("database", "url")) {
			strbuf_puts(&line, " nor in the file ");
			sources_path(c->request, "database-url", &line);
		}
		strbuf_puts(&line, ", accepted is ");
		value_accept(&k->rule, &line);
		check_problem(c, k, strbuf_str(&line));
	}
}

static int check_region(const struct check *c)
{
	static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
	static const char *const names[] = {
		"environment AWS_REGION", "environment AWS_DEFAULT_REGION"};
	const struct key *key = keys_find("queue", "region");
	char label[URL_REGION_MAX + 1];
	bool in_url = url_region(&c->queue, label);

	if (check_origin(c, key)) {
		if (in_url && c->settings->queue.region &&
			strcmp(label, c->settings->queue.region) != 0)
			check_warning(c, key,
				"not the region in the queue's URL; requests are signed for this "
				"one");
		return 0;
	}
	if (in_url)
		return check_derive(c, key, "[queue] url", label);
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		const char *region = environment_get(c->request->environment, variables[i]);
		if (region)
			return check_derive(c, key, names[i], region);
	}
	if (c->request->profile_region)
		return check_derive(c, key, "the AWS profile", c->request->profile_region);
	if (environment_is_true(c->request->environment, "AWS_EC2_METADATA_DISABLED")) {
		check_problem(c, key,
			"not set, and the queue's URL names no region, nor do AWS_REGION, "
			"AWS_DEFAULT_REGION or the AWS profile, and the metadata service is not "
			"to be asked, accepted is a name such as eu-central-1");
		return 0;
	}
	/* Only who runs can ask. */
	c->settings->queue.region = strdup("");
	return c->settings->queue.region
		       ? keys_note(key, c->settings->origins, "the metadata service")
		       : -ENOMEM;
}

/* As with the SDKs, the host of the URL wins; where that has another kind, nobody must be misled.
 */
static void check_fips(const struct check *c)
{
	if (environment_is_true(c->request->environment, "AWS_USE_FIPS_ENDPOINT") &&
		url_is_aws(&c->queue) && !url_is_fips(&c->queue))
		report_warning(c->report,
			"environment AWS_USE_FIPS_ENDPOINT: requests go to the host of the queue's "
			"URL, which is no FIPS endpoint; give the queue's URL with "
			"sqs-fips.REGION");
}

static void check_given_endpoint(const struct check *c, const struct key *key)
{
	struct url endpoint;
	const char *wrong;

	if (!c->settings->queue.endpoint ||
		url_parse(c->settings->queue.endpoint, &endpoint, &wrong) < 0 || endpoint.tls ||
		url_is_loopback(&endpoint))
		return;
	if (url_is_aws(&endpoint))
		check_problem(c, key,
			"AWS takes no http:// requests, accepted is the same endpoint with "
			"https://");
	else
		check_warning(c, key,
			"http:// to another machine: messages pass the network in the clear");
}

/* Where requests may go: AWS over TLS, this machine, or whatever somebody wrote down. */
static int check_endpoint(const struct check *c)
{
	const struct key *key = keys_find("queue", "endpoint");
	const struct key *url = keys_find("queue", "url");

	if (check_origin(c, key)) {
		check_given_endpoint(c, key);
		return 0;
	}
	if (!url_is_loopback(&c->queue) && !url_is_aws(&c->queue)) {
		check_problem(c, url,
			"the URL's host is not one of AWS's, and no signed request goes there "
			"unless [queue] endpoint says so, accepted is endpoint = https://HOST "
			"beside it");
		return 0;
	}
	if (!url_is_loopback(&c->queue) && !c->queue.tls) {
		check_problem(c, url,
			"AWS takes no http:// requests, accepted is the same URL with https://");
		return 0;
	}
	check_fips(c);
	_cleanup_free_ char *origin = strndup(c->settings->queue.url, c->queue.origin_len);
	return origin ? check_derive(c, key, "[queue] url", origin) : -ENOMEM;
}

static int check_jobs(const struct check *c)
{
	check_job_retry(c->settings, c->report);
	for (size_t i = 0; i < c->settings->n_jobs; i++) {
		int r = check_job(c->settings, &c->settings->jobs[i], c->report);
		if (r < 0)
			return r;
	}
	return 0;
}

static void check_balance(const struct check *c)
{
	const struct settings *s = c->settings;

	if (s->worker.prefetch_max < s->worker.concurrency)
		check_warning(c, keys_find("worker", "prefetch_max"),
			"less than concurrency: some threads will never have a job");
}

int check_settings(
	const struct settings_request *request, struct settings *settings, struct report *report)
{
	struct check c = {.request = request, .settings = settings, .report = report};
	const char *wrong;

	/* In a file that could not be read anything may stand. */
	if (!report->unread)
		check_required(&c);
	if (settings->queue.url) {
		url_parse(settings->queue.url, &c.queue, &wrong);
		int r = check_region(&c);
		if (r < 0)
			return r;
		r = check_endpoint(&c);
		if (r < 0)
			return r;
	}
	check_balance(&c);
	return check_jobs(&c);
}
