/*
 * Who the daemon is, by what a process's own environment says; each case is a process.
 */
#include "../support/test_folder.h"
#include "../support/test_suite.h"
#include "log_capture.h"

#include <curl/curl.h>
#include <sys/resource.h>
#include <systemd/sd-event.h>

#include "base/file.h"
#include "daemon/identity.h"

#define WAIT_MAX (20 * USEC_PER_SEC)

static int log_fd;
static sd_event *event;
static struct http *http;
static struct identity *identity;
static unsigned n_changed;

static void on_changed(void *userdata)
{
	ck_assert_ptr_eq(userdata, &n_changed);
	n_changed++;
}

static void setup_loop(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	ck_assert_int_eq(clearenv(), 0);
	log_fd = pipe_as_stderr();
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	ck_assert_int_eq(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
	ck_assert_int_ge(sd_event_new(&event), 0);
	ck_assert_int_eq(http_new(event, &(struct http_options){0}, &http), 0);
}

static void teardown_loop(void)
{
	identity = identity_free(identity);
	http = http_free(http);
	event = sd_event_unref(event);
	curl_global_cleanup();
}

static void set_keys(void)
{
	setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
}

static int begin(const char *region)
{
	const struct identity_options options = {
		.region = region,
		.changed = on_changed,
		.userdata = &n_changed,
	};

	return identity_new(http, &options, &identity);
}

static void await_change(void)
{
	unsigned n = n_changed;

	while (n_changed == n)
		ck_assert_int_gt(sd_event_run(event, WAIT_MAX), 0);
}

/* A program that gives keys, after it has done that, is the default profile's. */
static void write_program(const char *then)
{
	_cleanup_free_ char *script = NULL;

	ck_assert_int_gt(asprintf(&script,
				 "#!/bin/sh\n%secho '{\"Version\":1,\"AccessKeyId\":\"AKID\","
				 "\"SecretAccessKey\":\"secret\"}'\n",
				 then),
		0);
	test_write_program("keys", script);
	test_write("config", "[default]\ncredential_process = ./keys\n");
	setenv("AWS_CONFIG_FILE", "config", 1);
}

/* Files can still be read, one after the other; there is no room for a program's pipes. */
static void leave_one_descriptor(struct rlimit *before)
{
	int next = open("/dev/null", O_RDONLY);

	ck_assert_int_ge(next, 0);
	close(next);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, before), 0);
	const struct rlimit limit = {(rlim_t)next + 1, before->rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(what_this_machine_lacks_just_now_is_waited_for)
{
	struct rlimit before;

	write_program("");
	/* The loop's own timers have their descriptor. */
	ck_assert_int_ge(
		sd_event_add_time(event, NULL, CLOCK_MONOTONIC, UINT64_MAX, 0, NULL, NULL), 0);
	leave_one_descriptor(&before);
	ck_assert_int_eq(begin("eu-west-1"), 0);
	ck_assert(identity_is_settled(identity));
	ck_assert_str_eq(credential_store_complaint(identity_credentials(identity)),
		"credential_process of profile default in config: ./keys cannot be run: Too many "
		"open files");
	ck_assert_str_eq(read_all(log_fd), "");

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	await_change();
	ck_assert_str_eq(after_time(read_all(log_fd)),
		"info    credentials: credential_process of profile default in config\n");
}
END_TEST

START_TEST(a_program_sees_the_environment_without_what_is_ours)
{
	static const char *const ours[] = {"DATABASE_URL", "NEXUS_QUEUE_URL", "NOTIFY_SOCKET",
		"WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
		"CREDENTIALS_DIRECTORY"};
	static const char *const others[] = {
		"DATABASE_URL_2", "AWS_REGION", "NEXUS", "HOME", "LISTEN"};
	_cleanup_strbuf_ struct strbuf told = STRBUF_INIT;
	char line[64];

	for (size_t i = 0; i < N_OF(ours); i++)
		setenv(ours[i], "ours", 1);
	for (size_t i = 0; i < N_OF(others); i++)
		setenv(others[i], "other", 1);
	write_program("env >told\n");
	ck_assert_int_eq(begin("eu-west-1"), 0);
	await_change();
	ck_assert_int_eq(file_read("told", 1 << 20, &told), 0);
	ck_assert_ptr_null(strstr(strbuf_str(&told), "=ours"));
	for (size_t i = 0; i < N_OF(others); i++) {
		snprintf(line, sizeof line, "%s=other\n", others[i]);
		ck_assert_ptr_nonnull(strstr(strbuf_str(&told), line));
	}
}
END_TEST

START_TEST(without_a_region_and_whom_to_ask_for_it_the_start_ends_and_says_so)
{
	set_keys();
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	ck_assert_int_eq(begin(""), -EINVAL);
	ck_assert_ptr_null(identity);
	ck_assert_str_eq(after_time(read_all(log_fd)),
		"error   no AWS region to sign requests with: set [queue] region or AWS_REGION, or "
		"mend this: AWS_EC2_METADATA_DISABLED is set\n");
}
END_TEST

START_TEST(a_complaint_about_the_region_has_its_whole_reason)
{
	_cleanup_free_ char *endpoint = NULL;

	set_keys();
	ck_assert_int_gt(asprintf(&endpoint, "http://127.0.0.1:1/%0300d", 0), 0);
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint, 1);
	ck_assert_int_eq(begin(""), 0);
	await_change();
	const char *complaint = identity_region_complaint(identity);
	ck_assert_ptr_eq(strstr(complaint, "set [queue] region or AWS_REGION, or "), complaint);
	ck_assert_ptr_nonnull(strstr(complaint, ": this is no EC2 instance, or its metadata "));
	ck_assert_str_eq(strrchr(complaint, ')'), ")");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("identity");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_checked_fixture(all, setup_loop, teardown_loop);
	tcase_add_test(all, what_this_machine_lacks_just_now_is_waited_for);
	tcase_add_test(all, a_program_sees_the_environment_without_what_is_ours);
	tcase_add_test(all, without_a_region_and_whom_to_ask_for_it_the_start_ends_and_says_so);
	tcase_add_test(all, a_complaint_about_the_region_has_its_whole_reason);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}
