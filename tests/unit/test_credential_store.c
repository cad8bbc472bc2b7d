#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "../support/test_environment.h"
#include "../support/test_folder.h"
#include "../support/test_suite.h"
#include "aws/credential_store.h"
#include "base/file.h"

#define KEYS(id, secret)                                                                           \
	"[default]\naws_access_key_id = " id "\naws_secret_access_key = " secret "\n"

static char text[CREDENTIALS_TEXT_MAX];
static sd_event *event;
static struct http *http;
static struct imds *imds;

static void setup_loop(void)
{
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(http_new(event, &(struct http_options){0}, &http), 0);
}

static void teardown_loop(void)
{
	imds_free(imds);
	http_free(http);
	sd_event_unref(event);
	curl_global_cleanup();
}

/* ---- Snapshots ---- */

START_TEST(a_snapshot_keeps_its_own_copy)
{
	_cleanup_(credentials_unrefp) struct credentials *c = NULL;
	char id[] = "AKID", secret[] = "secret", token[] = "token", source[] = "test";
	struct credentials fields = {.access_key_id = id,
		.secret_access_key = secret,
		.session_token = token,
		.source = source,
		.expires_at = 7};

	ck_assert_int_eq(credentials_new(&fields, text, &c), 0);
	id[0] = secret[0] = token[0] = source[0] = 'X';
	ck_assert_str_eq(c->access_key_id, "AKID");
	ck_assert_str_eq(c->secret_access_key, "secret");
	ck_assert_str_eq(c->session_token, "token");
	ck_assert_str_eq(c->source, "test");
	ck_assert_uint_eq(c->expires_at, 7);
}
END_TEST

START_TEST(a_snapshot_lives_until_its_last_owner_is_gone)
{
	struct credentials fields = {
		.access_key_id = "AKID", .secret_access_key = "secret", .source = "test"};
	struct credentials *c = NULL;

	ck_assert_int_eq(credentials_new(&fields, text, &c), 0);
	ck_assert_ptr_eq(credentials_ref(c), c);
	ck_assert_ptr_null(credentials_unref(c));
	ck_assert_str_eq(c->secret_access_key, "secret");
	ck_assert_ptr_null(c->session_token);
	ck_assert_ptr_null(credentials_unref(c));
	ck_assert_ptr_null(credentials_ref(NULL));
	ck_assert_ptr_null(credentials_unref(NULL));
}
END_TEST

START_TEST(what_cannot_be_a_key_is_refused_and_not_quoted)
{
	static const char *const secrets[] = {
		"", "with blank", "\"quoted\"", "with\nline", "\x7f", "\xc3\xa9"};

	for (size_t i = 0; i < N_OF(secrets); i++) {
		struct credentials fields = {
			.access_key_id = "AKID", .secret_access_key = secrets[i], .source = "test"};
		struct credentials *c = &fields;

		ck_assert_int_eq(credentials_new(&fields, text, &c), -EINVAL);
		ck_assert_ptr_eq(c, &fields);
		ck_assert_ptr_eq(strstr(text, "test: the secret access key holds "), text);
		ck_assert(secrets[i][0] == '\0' || !strstr(text, secrets[i]));
	}
}
END_TEST

static const struct {
	const char *text;
	int r;
	usec_t seconds;
} TIMES[] = {
	{"1970-01-01T00:00:00Z", 0, 0},
	{"2026-01-02T03:04:05Z", 0, 1767323045},
	{"2026-01-02T03:04:05.9Z", 0, 1767323045},
	{"2026-01-02T03:04:05+00:00", 0, 1767323045},
	{"2026-01-01T22:04:05-0500", 0, 1767323045},
	{"9999-12-31T23:59:59Z", 0, 253402300799},
	{"9999-12-31T23:59:59-00:01", -EINVAL, 0},
	{"2026-01-02T03:04:05", -EINVAL, 0},
	{"2026-01-02T03:04:05Zulu", -EINVAL, 0},
	{"2026-01-02 03:04:05Z", -EINVAL, 0},
	{"2026-13-02T03:04:05Z", -EINVAL, 0},
	{"1960-01-02T03:04:05Z", -EINVAL, 0},
	{"", -EINVAL, 0},
};

START_TEST(a_time_is_read_with_its_zone_or_refused)
{
	usec_t moment = 77;

	setenv("TZ", "America/New_York", 1);
	ck_assert_int_eq(credentials_parse_time(TIMES[_i].text, &moment), TIMES[_i].r);
	ck_assert_uint_eq(moment, TIMES[_i].r < 0 ? 77 : TIMES[_i].seconds * USEC_PER_SEC);
}
END_TEST

/* ---- Files that change, and files that may not be read ---- */

static const char *folder;
static char path[64];

static struct credential_store *store;
static struct skew skew;

static void open_store(const struct credential_source *const *sources)
{
	ck_assert_int_eq(imds_new(http, test_environment_get, &imds), 0);
	const struct credential_store_options options = {
		.means = {.getenv = test_environment_get,
			.http = http,
			.imds = imds,
			.skew = &skew},
		.sources = sources,
	};
	ck_assert_int_eq(credential_store_new(&options, &store), 0);
}

static void setup_folder(void)
{
	folder = test_folder_enter();
	snprintf(path, sizeof path, "%s/credentials", folder);
	test_environment_set("AWS_EC2_METADATA_DISABLED", "true");
	test_environment_set("AWS_SHARED_CREDENTIALS_FILE", path);
	open_store(NULL);
}

static void teardown_folder(void)
{
	store = credential_store_free(store);
	/* A test may have given up root: who made the folder may remove it. */
	ck_assert_int_eq(seteuid(getuid()), 0);
	test_folder_leave();
}

START_TEST(nothing_is_there_before_the_first_reload)
{
	test_write(path, KEYS("AKIDOLD", "old"));
	ck_assert_ptr_null(credential_store_current(store));
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	ck_assert_str_eq(credential_store_current(store)->access_key_id, "AKIDOLD");
}
END_TEST

START_TEST(a_key_rotated_on_disk_is_picked_up_and_who_holds_the_old_one_keeps_it)
{
	_cleanup_(credentials_unrefp) struct credentials *old = NULL;

	test_write(path, KEYS("AKIDOLD", "old"));
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	old = credentials_ref(credential_store_current(store));
	test_write(path, KEYS("AKIDNEW", "new"));
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	ck_assert_str_eq(credential_store_current(store)->access_key_id, "AKIDNEW");
	ck_assert_str_eq(credential_store_current(store)->secret_access_key, "new");
	ck_assert_str_eq(old->access_key_id, "AKIDOLD");
	ck_assert_str_eq(old->secret_access_key, "old");
}
END_TEST

START_TEST(an_unchanged_key_stays_the_same_object)
{
	test_write(path, KEYS("AKIDOLD", "old"));
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	struct credentials *before = credential_store_current(store);
	test_write(path, "# touched\n" KEYS("AKIDOLD", "old"));
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	ck_assert_ptr_eq(credential_store_current(store), before);
	test_write(path, KEYS("AKIDOLD", "old") "aws_session_token = token\n");
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	ck_assert_str_eq(credential_store_current(store)->session_token, "token");
}
END_TEST

START_TEST(a_reload_that_fails_leaves_the_current_key)
{
	_cleanup_strbuf_ struct strbuf expected = STRBUF_INIT;

	test_write(path, KEYS("AKIDOLD", "old"));
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	test_write(path, "[default]\naws_access_key_id = AKIDNEW\n");
	ck_assert_int_eq(credential_store_reload(store, text), -EINVAL);
	strbuf_printf(&expected,
		"%s:2: profile default has an aws_access_key_id but no aws_secret_access_key",
		path);
	ck_assert_str_eq(text, strbuf_str(&expected));
	ck_assert_str_eq(credential_store_current(store)->access_key_id, "AKIDOLD");
}
END_TEST

/* As a user who may not: root may read everything. */
static void become_nobody(void)
{
	ck_assert_int_eq(chmod(path, 0), 0);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
}

START_TEST(a_file_that_the_environment_names_must_be_readable)
{
	test_write(path, KEYS("AKIDOLD", "old"));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	become_nobody();
	ck_assert_int_eq(credential_store_reload(store, text), -EINVAL);
	ck_assert_ptr_nonnull(
		strstr(text, "credentials: cannot be read: Permission denied; let the user"));
}
END_TEST

START_TEST(a_file_in_a_home_that_is_closed_to_us_counts_as_missing)
{
	/* The home directory is the folder, which nobody may enter. */
	test_write(path, "");
	test_environment_set("HOME", folder);
	test_environment_set("AWS_SHARED_CREDENTIALS_FILE", NULL);
	ck_assert_int_eq(chmod(folder, 0), 0);
	become_nobody();
	ck_assert_int_eq(credential_store_reload(store, text), -ENOENT);
	ck_assert_ptr_nonnull(strstr(text, "/.aws/credentials (Permission denied)"));
	ck_assert_int_eq(seteuid(getuid()), 0);
	ck_assert_int_eq(chmod(folder, 0700), 0);
}
END_TEST

/* ---- The chain, with a source that answers later ---- */

static struct credential_search *asked;
static unsigned n_started, n_cancelled, n_ended;
static int ended_r;

static void on_ended(void *userdata, int r, const char *ended_text)
{
	ck_assert_ptr_eq(userdata, &n_ended);
	n_ended++;
	ended_r = r;
	snprintf(text, sizeof text, "%s", ended_text);
}

static struct credential_watcher watcher = {.ended = on_ended, .userdata = &n_ended};

static void close_chain(void)
{
	credential_store_unwatch(store, &watcher);
	store = credential_store_free(store);
}

static int later_start(struct credential_search *search, struct credentials **ret)
{
	(void)ret;
	asked = search;
	n_started++;
	return -EINPROGRESS;
}

static void later_cancel(struct credential_search *search)
{
	ck_assert_ptr_eq(search, asked);
	n_cancelled++;
}

static int absent_start(struct credential_search *search, struct credentials **ret)
{
	(void)ret;
	return credentials_failed(search->text, -ENOENT, "nothing here");
}

static int broken_start(struct credential_search *search, struct credentials **ret)
{
	(void)ret;
	return credentials_failed(search->text, -EINVAL, "broken here");
}

static int found_start(struct credential_search *search, struct credentials **ret)
{
	struct credentials fields = {
		.access_key_id = "AKIDFOUND", .secret_access_key = "found", .source = "found"};

	return credentials_new(&fields, search->text, ret);
}

static const struct credential_source LATER = {"later", later_start, later_cancel};
static const struct credential_source ABSENT = {"absent", absent_start, NULL};
static const struct credential_source BROKEN = {"broken", broken_start, NULL};
static const struct credential_source FOUND = {"found", found_start, NULL};

static void open_chain(const struct credential_source *const *sources)
{
	open_store(sources);
	credential_store_watch(store, &watcher);
}

static void teardown_chain(void)
{
	if (store)
		close_chain();
}

static struct credentials *make_later_credentials(void)
{
	struct credentials fields = {
		.access_key_id = "AKIDLATER", .secret_access_key = "later", .source = "later"};
	struct credentials *c = NULL;

	ck_assert_int_eq(credentials_new(&fields, text, &c), 0);
	return c;
}

START_TEST(the_first_source_that_is_configured_decides)
{
	static const struct credential_source *const sources[] = {&ABSENT, &FOUND, &BROKEN, NULL};

	open_chain(sources);
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	ck_assert_str_eq(credential_store_current(store)->source, "found");
	ck_assert_uint_eq(n_ended, 0);
}
END_TEST

START_TEST(a_source_that_is_broken_hides_those_behind_it)
{
	static const struct credential_source *const sources[] = {&ABSENT, &BROKEN, &FOUND, NULL};

	open_chain(sources);
	ck_assert_int_eq(credential_store_reload(store, text), -EINVAL);
	ck_assert_str_eq(text, "broken here");
	ck_assert_ptr_null(credential_store_current(store));
}
END_TEST

START_TEST(a_source_that_answers_later_is_waited_for_once)
{
	static const struct credential_source *const sources[] = {&ABSENT, &LATER, &BROKEN, NULL};

	open_chain(sources);
	ck_assert_int_eq(credential_store_reload(store, text), -EINPROGRESS);
	ck_assert_int_eq(credential_store_reload(store, text), -EINPROGRESS);
	ck_assert_uint_eq(n_started, 1);
	ck_assert_ptr_null(credential_store_current(store));

	credential_search_end(asked, 0, make_later_credentials());
	ck_assert_uint_eq(n_ended, 1);
	ck_assert_int_eq(ended_r, 0);
	ck_assert_str_eq(credential_store_current(store)->source, "later");

	ck_assert_int_eq(credential_store_reload(store, text), -EINPROGRESS);
	ck_assert_uint_eq(n_started, 2);
	ck_assert_str_eq(credential_store_current(store)->source, "later");
	credential_search_end(asked, 0, make_later_credentials());
	ck_assert_uint_eq(n_ended, 2);
}
END_TEST

START_TEST(a_source_that_later_has_nothing_passes_on_to_the_next)
{
	static const struct credential_source *const sources[] = {
		&LATER, &ABSENT, &LATER, &FOUND, NULL};

	open_chain(sources);
	ck_assert_int_eq(credential_store_reload(store, text), -EINPROGRESS);
	credentials_failed(asked->text, 0, "nobody home");
	credential_search_end(asked, -ENOENT, NULL);
	ck_assert_uint_eq(n_started, 2);
	ck_assert_uint_eq(n_ended, 0);
	credential_search_end(asked, -ENOENT, NULL);
	ck_assert_uint_eq(n_ended, 1);
	ck_assert_int_eq(ended_r, 0);
	ck_assert_str_eq(credential_store_current(store)->source, "found");
}
END_TEST

START_TEST(a_source_that_later_fails_says_why_and_the_current_key_stays)
{
	static const struct credential_source *const sources[] = {&LATER, &FOUND, NULL};

	open_chain(sources);
	ck_assert_int_eq(credential_store_reload(store, text), -EINPROGRESS);
	credential_search_end(asked, 0, make_later_credentials());
	ck_assert_int_eq(credential_store_reload(store, text), -EINPROGRESS);
	credentials_failed(asked->text, 0, "the service is down");
	credential_search_end(asked, -EHOSTUNREACH, NULL);
	ck_assert_int_eq(ended_r, -EHOSTUNREACH);
	ck_assert_str_eq(text, "the service is down");
	ck_assert_str_eq(credential_store_current(store)->source, "later");
}
END_TEST

START_TEST(when_nothing_is_configured_every_source_is_named)
{
	static const struct credential_source *const sources[] = {&ABSENT, &LATER, NULL};

	open_chain(sources);
	ck_assert_int_eq(credential_store_reload(store, text), -EINPROGRESS);
	credentials_failed(asked->text, 0, "nobody home");
	credential_search_end(asked, -ENOENT, NULL);
	ck_assert_int_eq(ended_r, -ENOENT);
	ck_assert_ptr_nonnull(strstr(text, " a role (nothing here; nobody home)"));
}
END_TEST

START_TEST(every_reload_asks_all_sources_again_and_names_each_once)
{
	static const struct credential_source *const sources[] = {&ABSENT, &LATER, NULL};

	open_chain(sources);
	for (unsigned i = 1; i <= 2; i++) {
		ck_assert_int_eq(credential_store_reload(store, text), -EINPROGRESS);
		ck_assert_uint_eq(n_started, i);
		credentials_failed(asked->text, 0, "nobody home");
		credential_search_end(asked, -ENOENT, NULL);
		ck_assert_uint_eq(n_ended, i);
		ck_assert_ptr_eq(strstr(strstr(text, "nothing here") + 1, "nothing here"), NULL);
	}
}
END_TEST

START_TEST(a_store_that_is_freed_cancels_what_is_in_progress)
{
	static const struct credential_source *const sources[] = {&ABSENT, &LATER, NULL};

	open_chain(sources);
	ck_assert_int_eq(credential_store_reload(store, text), -EINPROGRESS);
	close_chain();
	ck_assert_uint_eq(n_cancelled, 1);
	ck_assert_uint_eq(n_ended, 0);
}
END_TEST

/* ---- When it looks again ---- */

static const struct {
	usec_t lives_for;
	bool on_disk;
	usec_t least, most;
} RENEWALS[] = {
	{6 * USEC_PER_HOUR, false, 345 * USEC_PER_MIN, 350 * USEC_PER_MIN},
	{USEC_PER_HOUR, false, 45 * USEC_PER_MIN, 50 * USEC_PER_MIN},
	{9 * USEC_PER_MIN, false, 6 * USEC_PER_MIN, 7 * USEC_PER_MIN},
	{9 * USEC_PER_SEC, true, 6 * USEC_PER_SEC, 7 * USEC_PER_SEC},
	{0, false, USEC_PER_MIN, 80 * USEC_PER_SEC},
	{USEC_INFINITY, true, 5 * USEC_PER_MIN, 5 * USEC_PER_MIN},
	{USEC_INFINITY, false, USEC_INFINITY, USEC_INFINITY},
};

START_TEST(credentials_are_renewed_in_the_last_third_of_their_life_or_quarter_of_an_hour)
{
	const usec_t now = 1767323045 * USEC_PER_SEC;
	usec_t lives_for = RENEWALS[_i].lives_for;
	struct credentials c = {
		.expires_at = lives_for == USEC_INFINITY ? lives_for : now + lives_for,
		.on_disk = RENEWALS[_i].on_disk,
	};

	for (unsigned i = 0; i < 100; i++) {
		usec_t pause = credential_store_renews_in(&c, now);
		ck_assert_uint_ge(pause, RENEWALS[_i].least);
		ck_assert_uint_le(pause, RENEWALS[_i].most);
	}
}
END_TEST

/* What the source gives next. */
static const char *key_id;
static usec_t lives_for; /* USEC_INFINITY: for ever */
static bool fails;

static int timed_start(struct credential_search *search, struct credentials **ret)
{
	struct credentials fields = {
		.access_key_id = key_id,
		.secret_access_key = "timed",
		.source = "timed",
		.expires_at = lives_for == USEC_INFINITY ? lives_for : clock_realtime() + lives_for,
	};

	n_started++;
	if (fails)
		return credentials_failed(search->text, -EHOSTUNREACH, "nobody answers");
	return credentials_new(&fields, search->text, ret);
}

static const struct credential_source TIMED = {"timed", timed_start, NULL};

static void setup_timed(void)
{
	static const struct credential_source *const sources[] = {&TIMED, NULL};

	key_id = "AKIDFIRST";
	lives_for = USEC_INFINITY;
	open_store(sources);
	credential_store_watch(store, &watcher);
}

static void await_searches(unsigned n)
{
	while (n_started < n)
		ck_assert_int_ge(sd_event_run(event, USEC_INFINITY), 0);
}

START_TEST(a_renewal_that_fails_is_tried_again_and_what_was_there_stays)
{
	lives_for = 2 * USEC_PER_SEC;
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	fails = true;
	await_searches(2);
	ck_assert_uint_eq(n_ended, 1);
	ck_assert_int_eq(ended_r, -EHOSTUNREACH);
	ck_assert_str_eq(text, "nobody answers");
	ck_assert_str_eq(credential_store_complaint(store), "nobody answers");
	ck_assert_str_eq(credential_store_current(store)->access_key_id, "AKIDFIRST");

	fails = false;
	key_id = "AKIDSECOND";
	lives_for = USEC_INFINITY;
	await_searches(3);
	ck_assert_int_eq(ended_r, 0);
	ck_assert_str_eq(credential_store_current(store)->access_key_id, "AKIDSECOND");
	ck_assert_str_eq(credential_store_complaint(store), "");
}
END_TEST

START_TEST(how_long_they_live_is_reckoned_anew_when_the_clock_turns_out_to_be_slow)
{
	lives_for = USEC_PER_HOUR;
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	lives_for = USEC_INFINITY;
	skew.usec = (int64_t)(USEC_PER_HOUR - 2 * USEC_PER_SEC);
	credential_store_clock_changed(store);
	await_searches(2);
	ck_assert_int_eq(ended_r, 0);
}
END_TEST

START_TEST(what_aws_refused_is_looked_for_at_once_and_then_with_pauses)
{
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	credential_store_want(store, credential_store_current(store));
	ck_assert_uint_eq(n_started, 2);
	ck_assert_uint_eq(n_ended, 1);
	credential_store_want(store, credential_store_current(store));
	ck_assert_uint_eq(n_started, 2);

	/* Another generation: at once again. */
	key_id = "AKIDSECOND";
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	credential_store_want(store, credential_store_current(store));
	ck_assert_uint_eq(n_started, 4);
}
END_TEST

START_TEST(a_source_that_gives_others_each_time_is_asked_with_pauses_too)
{
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	key_id = "AKIDSECOND";
	credential_store_want(store, credential_store_current(store));
	ck_assert_str_eq(credential_store_current(store)->access_key_id, "AKIDSECOND");
	ck_assert_uint_eq(n_started, 2);
	credential_store_want(store, credential_store_current(store));
	ck_assert_uint_eq(n_started, 2);
}
END_TEST

START_TEST(what_is_not_current_any_more_is_not_looked_for)
{
	_cleanup_(credentials_unrefp) struct credentials *old = NULL;

	ck_assert_int_eq(credential_store_reload(store, text), 0);
	old = credentials_ref(credential_store_current(store));
	key_id = "AKIDSECOND";
	ck_assert_int_eq(credential_store_reload(store, text), 0);
	credential_store_want(store, old);
	ck_assert_uint_eq(n_started, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("credential store");
	TCase *snapshot = tcase_create("snapshot");
	TCase *files = tcase_create("files");
	TCase *chain = tcase_create("chain");
	TCase *renewal = tcase_create("renewal");
	TCase *timed = tcase_create("timed");

	tcase_add_test(snapshot, a_snapshot_keeps_its_own_copy);
	tcase_add_test(snapshot, a_snapshot_lives_until_its_last_owner_is_gone);
	tcase_add_test(snapshot, what_cannot_be_a_key_is_refused_and_not_quoted);
	tcase_add_loop_test(snapshot, a_time_is_read_with_its_zone_or_refused, 0, N_OF(TIMES));
	suite_add_tcase(suite, snapshot);

	tcase_add_checked_fixture(files, setup_loop, teardown_loop);
	tcase_add_checked_fixture(files, setup_folder, teardown_folder);
	tcase_add_test(files, nothing_is_there_before_the_first_reload);
	tcase_add_test(
		files, a_key_rotated_on_disk_is_picked_up_and_who_holds_the_old_one_keeps_it);
	tcase_add_test(files, an_unchanged_key_stays_the_same_object);
	tcase_add_test(files, a_reload_that_fails_leaves_the_current_key);
	tcase_add_test(files, a_file_that_the_environment_names_must_be_readable);
	tcase_add_test(files, a_file_in_a_home_that_is_closed_to_us_counts_as_missing);
	suite_add_tcase(suite, files);

	tcase_add_checked_fixture(chain, setup_loop, teardown_loop);
	tcase_add_checked_fixture(chain, NULL, teardown_chain);
	tcase_add_test(chain, the_first_source_that_is_configured_decides);
	tcase_add_test(chain, a_source_that_is_broken_hides_those_behind_it);
	tcase_add_test(chain, a_source_that_answers_later_is_waited_for_once);
	tcase_add_test(chain, a_source_that_later_has_nothing_passes_on_to_the_next);
	tcase_add_test(chain, a_source_that_later_fails_says_why_and_the_current_key_stays);
	tcase_add_test(chain, when_nothing_is_configured_every_source_is_named);
	tcase_add_test(chain, every_reload_asks_all_sources_again_and_names_each_once);
	tcase_add_test(chain, a_store_that_is_freed_cancels_what_is_in_progress);
	suite_add_tcase(suite, chain);

	tcase_add_loop_test(renewal,
		credentials_are_renewed_in_the_last_third_of_their_life_or_quarter_of_an_hour, 0,
		N_OF(RENEWALS));
	suite_add_tcase(suite, renewal);

	tcase_add_checked_fixture(timed, setup_loop, teardown_loop);
	tcase_add_checked_fixture(timed, setup_timed, close_chain);
	tcase_add_test(timed, a_renewal_that_fails_is_tried_again_and_what_was_there_stays);
	tcase_add_test(
		timed, how_long_they_live_is_reckoned_anew_when_the_clock_turns_out_to_be_slow);
	tcase_add_test(timed, what_aws_refused_is_looked_for_at_once_and_then_with_pauses);
	tcase_add_test(timed, a_source_that_gives_others_each_time_is_asked_with_pauses_too);
	tcase_add_test(timed, what_is_not_current_any_more_is_not_looked_for);
	suite_add_tcase(suite, timed);
	return test_suite_run(suite);
}
