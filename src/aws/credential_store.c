#include "aws/credential_store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/backoff.h"
#include "base/loop.h"
#include "base/strbuf.h"

/* The order in which the sources are asked. A new one is a file and a row. */
static const struct credential_source *const STANDARD_CHAIN[] = {
	&credentials_environment,
	&credentials_web_identity,
	&credentials_profile,
	&credentials_container,
	&credentials_metadata,
	NULL,
};

#define RENEW_AHEAD_MAX (15 * USEC_PER_MIN)
#define REREAD_EVERY    (5 * USEC_PER_MIN)
#define SEARCH_PAUSE    USEC_PER_SEC
#define EXPIRED_PAUSE   USEC_PER_MIN
#define FAILED_PAUSE    USEC_PER_MIN
#define WANTED_PAUSE    (30 * USEC_PER_SEC)

struct credential_store {
	struct credential_store_options options;
	struct credentials *current;
	TAILQ_HEAD(credential_watcher_list, credential_watcher) watchers;

	struct credential_search search;
	size_t at; /* the source that is asked */
	bool in_progress;
	struct strbuf absent; /* what the sources said that are not configured */
	char complaint[CREDENTIALS_TEXT_MAX];

	sd_event_source *timer;      /* the next search by itself */
	struct backoff after_failed; /* the pauses of that timer */
	struct backoff after_wanted; /* those of credential_store_want() */
	usec_t wanted_again_at;      /* CLOCK_MONOTONIC */
	bool is_refused;             /* the search is for others than AWS refused */
};

struct credentials *credential_store_current(const struct credential_store *store)
{
	return store->current;
}

bool credential_store_is_searching(const struct credential_store *store)
{
	return store->in_progress;
}

const char *credential_store_complaint(const struct credential_store *store)
{
	return store->complaint;
}

void credential_store_set_region(struct credential_store *store, const char *region)
{
	store->options.means.region = region;
}

void credential_store_watch(struct credential_store *store, struct credential_watcher *watcher)
{
	TAILQ_INSERT_TAIL(&store->watchers, watcher, link);
}

void credential_store_unwatch(struct credential_store *store, struct credential_watcher *watcher)
{
	TAILQ_REMOVE(&store->watchers, watcher, link);
}

/* ---- When to look again ---- */

usec_t credential_store_renews_in(const struct credentials *c, usec_t now)
{
	if (c->expires_at == USEC_INFINITY)
		return c->on_disk ? REREAD_EVERY : USEC_INFINITY;
	usec_t left = usec_sub(c->expires_at, now);
	/* In an outage of its own a source gives what has expired, and AWS takes it. */
	if (left == 0)
		return EXPIRED_PAUSE + backoff_random(EXPIRED_PAUSE / 3);
	usec_t ahead = usec_min(left / 3, RENEW_AHEAD_MAX);
	return usec_max(left - ahead + backoff_random(ahead / 3), SEARCH_PAUSE);
}

static void arm(struct credential_store *store, usec_t pause)
{
	if (pause == USEC_INFINITY)
		sd_event_source_set_enabled(store->timer, SD_EVENT_OFF);
	else
		loop_set_timer(store->timer, clock_monotonic() + pause);
}

static void arm_renewal(struct credential_store *store)
{
	arm(store, credential_store_renews_in(store->current, skew_now(store->options.means.skew)));
}

/* ---- One search ---- */

/* What is found becomes current; takes it. */
static void keep(struct credential_store *store, struct credentials *found)
{
	if (store->current && credentials_equal(store->current, found)) {
		credentials_unref(found);
		return;
	}
	credentials_unref(store->current);
	store->current = found;
	/* A source that gives others each time is not to be asked for each refusal. */
	if (store->is_refused)
		return;
	backoff_reset(&store->after_wanted);
	store->wanted_again_at = 0;
}

/* The end of a search, whose result is passed on. */
static int settle(struct credential_store *store, int r, struct credentials *found)
{
	if (r < 0) {
		store->is_refused = false;
		memcpy(store->complaint, store->search.text, sizeof store->complaint);
		arm(store, backoff_next(&store->after_failed));
		return r;
	}
	keep(store, found);
	store->is_refused = false;
	store->complaint[0] = '\0';
	backoff_reset(&store->after_failed);
	arm_renewal(store);
	return 0;
}

/* What the source said that is not configured. */
static void note_absence(struct credential_store *store)
{
	strbuf_printf(
		&store->absent, "%s%s", store->absent.len > 0 ? "; " : "", store->search.text);
}

/* Asks from store->at on. */
static int ask(struct credential_store *store)
{
	for (const struct credential_source *source; (source = store->options.sources[store->at]);
		store->at++) {
		struct credentials *found = NULL;
		int r = credential_search_start(&store->search, source, &found);
		store->in_progress = r == -EINPROGRESS;
		if (r == -EINPROGRESS)
			return r;
		if (r != -ENOENT)
			return settle(store, r, found);
		note_absence(store);
	}
	/* The cure first: what quotes this line may cut it. */
	credentials_failed(store->search.text, 0,
		"nothing is configured: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, write a "
		"profile, or give the container or the instance a role (%s)",
		strbuf_str(&store->absent));
	return settle(store, -ENOENT, NULL);
}

static void tell(struct credential_store *store, int r)
{
	struct credential_watcher *watcher, *next;

	for (watcher = TAILQ_FIRST(&store->watchers); watcher; watcher = next) {
		next = TAILQ_NEXT(watcher, link);
		watcher->ended(watcher->userdata, r, store->complaint);
	}
}

static void on_ended(struct credential_search *search, int r, struct credentials *found)
{
	struct credential_store *store = container_of(search, struct credential_store, search);

	store->in_progress = false;
	if (r == -ENOENT) {
		note_absence(store);
		store->at++;
		r = ask(store);
	} else {
		r = settle(store, r, found);
	}
	if (r != -EINPROGRESS)
		tell(store, r);
}

static int search(struct credential_store *store)
{
	if (store->in_progress)
		return -EINPROGRESS;
	store->at = 0;
	strbuf_reset(&store->absent);
	return ask(store);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct credential_store *store = userdata;
	int r = search(store);

	(void)source;
	(void)usec;
	if (r != -EINPROGRESS)
		tell(store, r);
	return 0;
}

/* ---- From outside ---- */

void credential_store_clock_changed(struct credential_store *store)
{
	/* While a search is repeated it is not the expiry that says when. */
	if (store->current && !store->in_progress && !store->complaint[0])
		arm_renewal(store);
}

int credential_store_reload(
	struct credential_store *store, char ret_text[static CREDENTIALS_TEXT_MAX])
{
	int r = search(store);

	if (r < 0 && r != -EINPROGRESS)
		memcpy(ret_text, store->complaint, CREDENTIALS_TEXT_MAX);
	return r;
}

void credential_store_want(struct credential_store *store, const struct credentials *c)
{
	usec_t now = clock_monotonic();

	if (c != store->current || store->in_progress || now < store->wanted_again_at)
		return;
	/* For so long nobody has missed any. */
	if (now - store->wanted_again_at > WANTED_PAUSE)
		backoff_reset(&store->after_wanted);
	store->wanted_again_at = now + backoff_next(&store->after_wanted);
	store->is_refused = c != NULL;
	int r = search(store);
	if (r != -EINPROGRESS)
		tell(store, r);
}

static int add_timer(struct credential_store *store)
{
	sd_event *event = http_event(store->options.means.http);

	return loop_add_timer(
		event, CLOCK_MONOTONIC, "credentials", on_timer, store, &store->timer);
}

int credential_store_new(
	const struct credential_store_options *options, struct credential_store **ret)
{
	_cleanup_(credential_store_freep) struct credential_store *store = calloc(1, sizeof *store);

	if (!store)
		return -ENOMEM;
	store->options = *options;
	if (!store->options.sources)
		store->options.sources = STANDARD_CHAIN;
	store->search.means = &store->options.means;
	store->search.ended = on_ended;
	store->absent = STRBUF_INIT;
	store->after_failed = (struct backoff){.base = SEARCH_PAUSE, .cap = FAILED_PAUSE};
	store->after_wanted = (struct backoff){.base = SEARCH_PAUSE, .cap = WANTED_PAUSE};
	TAILQ_INIT(&store->watchers);
	int r = add_timer(store);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(store);
	return 0;
}

struct credential_store *credential_store_free(struct credential_store *store)
{
	if (!store)
		return NULL;
	assert(TAILQ_EMPTY(&store->watchers));
	if (store->in_progress)
		credential_search_cancel(&store->search);
	sd_event_source_disable_unref(store->timer);
	credentials_unref(store->current);
	strbuf_done(&store->absent);
	free(store);
	return NULL;
}
