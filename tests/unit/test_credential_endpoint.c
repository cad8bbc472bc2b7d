/*
 * The clients are programs: this one, called with --fetch. Called with --serve it is the endpoint
 * for others, for tests/integration/test_credential_endpoint.py.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include "../support/test_suite.h"
#include "aws/credential_store.h"
#include "aws/credentials_json.h"
#include "base/spawn.h"
#include "handler/credential_endpoint.h"

#define SELF "/proc/self/exe"
#define SOON (5 * USEC_PER_SEC)

/* ---- In the program that asks ---- */

/* Says what it is answered. */
static int ask(uint16_t port, const char *request)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char data[4096];
	ssize_t n;

	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return 1;
	(void)!send(fd, request, strlen(request), MSG_NOSIGNAL);
	while ((n = recv(fd, data, sizeof data, 0)) > 0)
		(void)!write(STDOUT_FILENO, data, (size_t)n);
	close(fd);
	return 0;
}

enum who {
	ITSELF,
	ITS_CHILD,
	WHO_LEFT_ITS_SESSION,
	NOT_OURS,
	ANOTHER_USER
};

static int ask_as(enum who who, uint16_t port, const char *request)
{
	if (who == ITS_CHILD || who == WHO_LEFT_ITS_SESSION) {
		pid_t child = fork();
		if (child > 0)
			return waitpid(child, NULL, 0) == child ? 0 : 1;
		if (who == WHO_LEFT_ITS_SESSION)
			setsid();
	}
	if (who == ANOTHER_USER && setuid(65534) < 0)
		return 1;
	return ask(port, request);
}

/* ---- The endpoint ---- */

static sd_event *event;
static struct http *http;
static struct credential_store *store;
static struct credential_endpoint *endpoint;

/* What the only source gives; without a key it has nothing. */
static struct credentials keys;
static unsigned n_searches;

static int source_start(struct credential_search *search, struct credentials **ret)
{
	n_searches++;
	if (!keys.access_key_id)
		return -ENOENT;
	return credentials_new(&keys, search->text, ret);
}

static const struct credential_source SOURCE = {.name = "test", .start = source_start};

static void set_keys(const char *id, const char *secret, const char *token, usec_t expires_at)
{
	char text[CREDENTIALS_TEXT_MAX];

	keys = (struct credentials){.access_key_id = id,
		.secret_access_key = secret,
		.session_token = token,
		.source = "test",
		.expires_at = expires_at};
	int r = credential_store_reload(store, text);
	assert(r >= 0);
}

static void setup(void)
{
	static const struct credential_source *const sources[] = {&SOURCE, NULL};

	int r = curl_global_init(CURL_GLOBAL_DEFAULT);
	assert(r == 0);
	r = sd_event_new(&event);
	assert(r >= 0);
	r = http_new(event, &(struct http_options){0}, &http);
	assert(r >= 0);
	const struct credential_store_options options = {
		.means = {.http = http}, .sources = sources};
	r = credential_store_new(&options, &store);
	assert(r >= 0);
	r = credential_endpoint_new(event, store, &endpoint);
	assert(r >= 0);
}

static void teardown(void)
{
	credential_endpoint_free(endpoint);
	credential_store_free(store);
	http_free(http);
	sd_event_unref(event);
	curl_global_cleanup();
}

/* ---- The tests ---- */

static char heard[8192];

static const char *request_with(const char *line, const char *authorization)
{
	static char request[1024];

	snprintf(request, sizeof request,
		"%s HTTP/1.1\r\nHost: here\r\n%s%s%sConnection: close\r\n\r\n", line,
		authorization ? "Authorization: " : "", authorization ? authorization : "",
		authorization ? "\r\n" : "");
	return request;
}

static uint16_t port(void)
{
	unsigned number = 0;

	ck_assert_int_eq(sscanf(credential_endpoint_uri(endpoint),
				 "http://127.0.0.1:%u/credentials", &number),
		1);
	return (uint16_t)number;
}

/* NOT_OURS: a process of this session, which is not that of a child of this process. */
static pid_t start_program(enum who who, const char *request, int out)
{
	static const char *const environment[] = {NULL};
	char as[2] = {(char)('0' + who), '\0'};
	char number[8];
	const char *const argv[] = {"program", "--fetch", as, number, request, NULL};
	pid_t pid;

	if (who == NOT_OURS) {
		pid = fork();
		if (pid == 0) {
			dup2(out, STDOUT_FILENO);
			_exit(ask(port(), request));
		}
		return pid;
	}
	snprintf(number, sizeof number, "%u", port());
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct spawn what = {.path = SELF,
		.argv = argv,
		.environment = environment,
		.in = null,
		.out = out,
		.err = STDERR_FILENO};
	ck_assert_int_eq(spawn_start(&what, &pid), 0);
	return pid;
}

/* What a program is answered; "": nothing. */
static const char *fetch_as(enum who who, const char *request)
{
	usec_t until = clock_monotonic() + SOON;
	size_t len = 0;
	int pipe_fds[2], status;
	ssize_t n;

	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK), 0);
	pid_t pid = start_program(who, request, pipe_fds[1]);
	close(pipe_fds[1]);
	while ((n = read(pipe_fds[0], heard + len, sizeof heard - 1 - len)) != 0) {
		ck_assert_uint_lt(clock_monotonic(), until);
		if (n > 0)
			len += (size_t)n;
		else
			ck_assert_int_ge(sd_event_run(event, 10 * USEC_PER_MSEC), 0);
	}
	heard[len] = '\0';
	close(pipe_fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	return heard;
}

static const char *fetch(enum who who)
{
	return fetch_as(who, request_with("GET /credentials", credential_endpoint_token(endpoint)));
}

static void expect_status(const char *answer, unsigned status)
{
	char line[32];

	snprintf(line, sizeof line, "HTTP/1.1 %u ", status);
	ck_assert_msg(strncmp(answer, line, strlen(line)) == 0, "%s", answer);
	ck_assert_ptr_nonnull(strstr(answer, "\r\nCache-Control: no-store\r\n"));
	ck_assert_ptr_nonnull(strstr(answer, "\r\nContent-Type: application/json\r\n"));
}

/* As an SDK reads it. Returns owned. */
static struct credentials *fetch_keys(enum who who)
{
	static const struct credentials_json_form form = {.source = "test", .token_name = "Token"};
	char text[CREDENTIALS_TEXT_MAX];
	struct credentials *found = NULL;

	const char *answer = fetch(who);
	expect_status(answer, 200);
	const char *body = strstr(answer, "\r\n\r\n") + 4;
	ck_assert_int_eq(credentials_json_read(body, strlen(body), &form, text, &found), 0);
	return found;
}

START_TEST(a_program_that_we_started_gets_what_the_store_has)
{
	set_keys("AKID", "secret", "token", 1767323045 * USEC_PER_SEC);
	_cleanup_(credentials_unrefp) struct credentials *found = fetch_keys((enum who)_i);

	ck_assert_str_eq(found->access_key_id, "AKID");
	ck_assert_str_eq(found->secret_access_key, "secret");
	ck_assert_str_eq(found->session_token, "token");
	ck_assert_uint_eq(found->expires_at, 1767323045 * USEC_PER_SEC);
}
END_TEST

START_TEST(nobody_else_is_heard_even_with_the_token)
{
	set_keys("AKID", "secret", "token", USEC_INFINITY);
	ck_assert_str_eq(fetch((enum who)_i), "");
}
END_TEST

START_TEST(keys_that_do_not_expire_are_said_to_in_an_hour)
{
	set_keys("AKID", "secret", NULL, USEC_INFINITY);
	usec_t before = clock_realtime() / USEC_PER_SEC * USEC_PER_SEC;
	_cleanup_(credentials_unrefp) struct credentials *found = fetch_keys(ITSELF);

	ck_assert_uint_ge(found->expires_at, before + USEC_PER_HOUR);
	ck_assert_uint_le(found->expires_at, clock_realtime() + USEC_PER_HOUR);
	ck_assert_ptr_nonnull(strstr(heard, "\"Token\":\"\""));
}
END_TEST

START_TEST(who_asks_again_gets_what_is_new)
{
	set_keys("AKIDOLD", "old", NULL, USEC_INFINITY);
	_cleanup_(credentials_unrefp) struct credentials *old = fetch_keys(ITSELF);
	set_keys("AKIDNEW", "new", NULL, USEC_INFINITY);
	_cleanup_(credentials_unrefp) struct credentials *new = fetch_keys(ITSELF);

	ck_assert_str_eq(old->access_key_id, "AKIDOLD");
	ck_assert_str_eq(new->access_key_id, "AKIDNEW");
	ck_assert_str_eq(new->secret_access_key, "new");
}
END_TEST

START_TEST(without_credentials_the_store_is_told_that_they_are_wanted)
{
	const char *answer = fetch(ITSELF);

	expect_status(answer, 503);
	ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\n{\"code\":\"NotReady\",\"message\":\""));
	usec_t until = clock_monotonic() + SOON;
	while (n_searches == 0) {
		ck_assert_uint_lt(clock_monotonic(), until);
		ck_assert_int_ge(sd_event_run(event, 10 * USEC_PER_MSEC), 0);
	}
}
END_TEST

START_TEST(the_token_has_to_be_shown_as_it_is)
{
	const char *token = credential_endpoint_token(endpoint);
	char shorter[80], other[80], longer[80], dressed[80];

	set_keys("AKID", "secret", "token", USEC_INFINITY);
	snprintf(shorter, sizeof shorter, "%.63s", token);
	snprintf(other, sizeof other, "%.63s%c", token, token[63] == '0' ? '1' : '0');
	snprintf(longer, sizeof longer, "%s0", token);
	snprintf(dressed, sizeof dressed, "Bearer %s", token);
	const char *const wrong[] = {NULL, "", shorter, other, longer, dressed};
	for (size_t i = 0; i < N_OF(wrong); i++) {
		const char *answer = fetch_as(ITSELF, request_with("GET /credentials", wrong[i]));

		expect_status(answer, 403);
		ck_assert_ptr_null(strstr(answer, "secret"));
		ck_assert_ptr_null(strstr(answer, token));
		ck_assert_ptr_nonnull(strstr(answer, "{\"code\":\"AccessDenied\",\"message\":\""));
	}
	expect_status(fetch_as(ITSELF, request_with("GET /nowhere", NULL)), 403);
}
END_TEST

START_TEST(there_is_one_path_and_one_method)
{
	const char *token = credential_endpoint_token(endpoint);

	set_keys("AKID", "secret", "token", USEC_INFINITY);
	expect_status(fetch_as(ITSELF, request_with("GET /", token)), 404);
	expect_status(fetch_as(ITSELF, request_with("GET /credentials/", token)), 404);
	expect_status(fetch_as(ITSELF, request_with("PUT /credentials", token)), 405);
	ck_assert_ptr_nonnull(strstr(heard, "\r\nAllow: GET\r\n"));
}
END_TEST

START_TEST(tokens_are_not_guessed)
{
	_cleanup_(credential_endpoint_freep) struct credential_endpoint *other = NULL;
	const char *token = credential_endpoint_token(endpoint);

	ck_assert_uint_eq(strlen(token), 64);
	ck_assert_uint_eq(strspn(token, "0123456789abcdef"), 64);
	ck_assert_int_eq(credential_endpoint_new(event, store, &other), 0);
	ck_assert_str_ne(credential_endpoint_token(other), token);
	ck_assert_str_ne(credential_endpoint_uri(other), credential_endpoint_uri(endpoint));
}
END_TEST

/* ---- For SDKs ---- */

/*
 * Says "at URI TOKEN", and then does what it reads, a line at a time: "keys ID SECRET TOKEN" has
 * the store give those, for two hours, or without a TOKEN for ever; anything else runs the program,
 * told of the endpoint, and says "ended STATUS" when it has.
 */
static char **program;

static int on_ended(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	(void)source;
	(void)userdata;
	printf("ended %d\n", info->si_status);
	fflush(stdout);
	return 0;
}

static void run_program(void)
{
	char uri[128], token[128];
	size_t n = 0, m = 0;
	const char *environment[256];
	pid_t pid;

	snprintf(uri, sizeof uri, "AWS_CONTAINER_CREDENTIALS_FULL_URI=%s",
		credential_endpoint_uri(endpoint));
	snprintf(token, sizeof token, "AWS_CONTAINER_AUTHORIZATION_TOKEN=%s",
		credential_endpoint_token(endpoint));
	environment[n++] = uri;
	environment[n++] = token;
	while (environ[m] && n < N_OF(environment) - 1)
		environment[n++] = environ[m++];
	environment[n] = NULL;
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct spawn what = {.path = program[0],
		.argv = (const char *const *)program,
		.environment = environment,
		.in = null,
		.out = STDOUT_FILENO,
		.err = STDERR_FILENO};
	int r = spawn_start(&what, &pid);
	assert(r >= 0);
	r = sd_event_add_child(event, NULL, pid, WEXITED, on_ended, NULL);
	assert(r >= 0);
}

static int on_line(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	static char line[256], id[64], secret[64], token[64];

	(void)source;
	(void)fd;
	(void)events;
	(void)userdata;
	if (!fgets(line, sizeof line, stdin))
		return sd_event_exit(event, 0);
	int n = sscanf(line, "keys %63s %63s %63s", id, secret, token);
	if (n == 3)
		set_keys(id, secret, token, clock_realtime() + 2 * USEC_PER_HOUR);
	else if (n == 2)
		set_keys(id, secret, NULL, USEC_INFINITY);
	else
		run_program();
	return 0;
}

static int serve_others(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setvbuf(stdin, NULL, _IONBF, 0);
	setup();
	printf("at %s %s\n", credential_endpoint_uri(endpoint),
		credential_endpoint_token(endpoint));
	fflush(stdout);
	int r = sd_event_add_io(event, NULL, STDIN_FILENO, EPOLLIN, on_line, NULL);
	assert(r >= 0);
	r = sd_event_loop(event);
	teardown();
	return r;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "--fetch") == 0)
		return ask_as((enum who)(argv[2][0] - '0'), (uint16_t)atoi(argv[3]), argv[4]);
	if (argc > 2 && strcmp(argv[1], "--serve") == 0) {
		program = argv + 2;
		return serve_others();
	}

	Suite *suite = suite_create("credential endpoint");
	TCase *c = tcase_create("all");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(
		c, a_program_that_we_started_gets_what_the_store_has, ITSELF, ITS_CHILD + 1);
	tcase_add_loop_test(c, nobody_else_is_heard_even_with_the_token, WHO_LEFT_ITS_SESSION,
		geteuid() == 0 ? ANOTHER_USER + 1 : ANOTHER_USER);
	tcase_add_test(c, keys_that_do_not_expire_are_said_to_in_an_hour);
	tcase_add_test(c, who_asks_again_gets_what_is_new);
	tcase_add_test(c, without_credentials_the_store_is_told_that_they_are_wanted);
	tcase_add_test(c, the_token_has_to_be_shown_as_it_is);
	tcase_add_test(c, there_is_one_path_and_one_method);
	tcase_add_test(c, tokens_are_not_guessed);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}
