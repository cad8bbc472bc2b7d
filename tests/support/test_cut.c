#include "test_cut.h"

#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "test_postgres.h"

struct test_cut {
	char directory[32];
	int listener;
	int end[2]; /* closed to end the thread */
	pthread_t thread;
	_Atomic(bool) armed;
	_Atomic(unsigned) n_cuts;
};

static struct sockaddr_un cut_address(const char *directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", directory);
	return address;
}

static int cut_connect(void)
{
	struct sockaddr_un address = cut_address(test_postgres_home());
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

/* What there is, from one to the other; false at the end, or when the wire is to be cut. */
static bool cut_carry(struct test_cut *cut, int from, int to, bool answers)
{
	static const char commit[] = "COMMIT"; /* with its NUL: the tag of a CommandComplete */
	char bytes[1 << 16];
	ssize_t n = recv(from, bytes, sizeof bytes, 0);

	if (n <= 0)
		return false;
	if (answers && memmem(bytes, (size_t)n, commit, sizeof commit) &&
		atomic_exchange(&cut->armed, false)) {
		atomic_fetch_add(&cut->n_cuts, 1);
		return false;
	}
	return send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

static void cut_serve(struct test_cut *cut, int client)
{
	_cleanup_close_ int server = cut_connect();
	struct pollfd p[] = {
		{.fd = client, .events = POLLIN},
		{.fd = server, .events = POLLIN},
		{.fd = cut->end[0]},
	};
	bool whole = server >= 0;

	while (whole && poll(p, 3, -1) > 0 && !p[2].revents) {
		if (p[0].revents)
			whole = cut_carry(cut, client, server, false);
		if (whole && p[1].revents)
			whole = cut_carry(cut, server, client, true);
	}
}

static void *cut_thread(void *userdata)
{
	struct test_cut *cut = userdata;
	struct pollfd p[] = {{.fd = cut->listener, .events = POLLIN}, {.fd = cut->end[0]}};

	while (poll(p, 2, -1) > 0 && !p[1].revents) {
		_cleanup_close_ int client = accept4(cut->listener, NULL, NULL, SOCK_CLOEXEC);
		if (client >= 0)
			cut_serve(cut, client);
	}
	return NULL;
}

struct test_cut *test_cut_new(void)
{
	struct test_cut *cut = calloc(1, sizeof *cut);

	ck_assert_ptr_nonnull(cut);
	snprintf(cut->directory, sizeof cut->directory, "/tmp/nexus-cut-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(cut->directory));
	struct sockaddr_un address = cut_address(cut->directory);
	cut->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(cut->listener, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(cut->listener, 8), 0);
	ck_assert_int_eq(pipe(cut->end), 0);
	ck_assert_int_eq(pthread_create(&cut->thread, NULL, cut_thread, cut), 0);
	return cut;
}

struct test_cut *test_cut_free(struct test_cut *cut)
{
	if (!cut)
		return NULL;
	close(cut->end[1]);
	pthread_join(cut->thread, NULL);
	close(cut->end[0]);
	close(cut->listener);
	unlink(cut_address(cut->directory).sun_path);
	rmdir(cut->directory);
	free(cut);
	return NULL;
}

char *test_cut_url(const struct test_cut *cut)
{
	return test_postgres_url_at(cut->directory);
}

void test_cut_at_commit(struct test_cut *cut)
{
	atomic_store(&cut->armed, true);
}

unsigned test_cut_n(const struct test_cut *cut)
{
	return atomic_load(&cut->n_cuts);
}
