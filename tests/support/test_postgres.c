#include "test_postgres.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define DATABASE "postgres"

static const char schema[] =
	"DO $$ BEGIN CREATE ROLE " TEST_POSTGRES_USER " LOGIN PASSWORD '" TEST_POSTGRES_PASSWORD
	"'; EXCEPTION WHEN duplicate_object THEN ALTER ROLE " TEST_POSTGRES_USER " RESET ALL;"
	" END $$;"
	"DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC;"
	"CREATE TYPE job_status AS ENUM ('pending', 'processing', 'completed', 'failed');"
	"CREATE TABLE background_jobs (id text PRIMARY KEY, type text NOT NULL, payload jsonb,"
	" status job_status NOT NULL DEFAULT 'pending', attempts integer NOT NULL DEFAULT 0,"
	" error text, started_at timestamp, completed_at timestamp,"
	" created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now());"
	"CREATE INDEX ON background_jobs (status, created_at);"
	"GRANT SELECT, UPDATE ON background_jobs TO " TEST_POSTGRES_USER;

static char home[] = "/tmp/nexus-test-XXXXXX";
static int keeper = -1; /* the socket to it */

/* ---- The keeper: alone in its process ---- */

struct server {
	pid_t pid;  /* 0: not running */
	int output; /* what it says; ends when its last process has ended */
};

/* Postgres refuses to be root. */
static const struct passwd *keeper_account(void)
{
	const struct passwd *account = NULL;

	if (geteuid() != 0)
		return NULL;
	account = getpwnam("postgres");
	return account ? account : getpwnam("nobody");
}

static void keeper_become(const struct passwd *account)
{
	if (account && (setgroups(0, NULL) < 0 || setgid(account->pw_gid) < 0 ||
			       setuid(account->pw_uid) < 0))
		_exit(EXIT_FAILURE);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
}

/* Debian keeps the servers' programs out of the path, by version; the last found is the newest. */
static const char *keeper_find(const char *program, char path[256])
{
	char pattern[256];
	glob_t found;

	snprintf(pattern, sizeof pattern, "/usr/lib/postgresql/*/bin/%s", program);
	bool any = glob(pattern, 0, NULL, &found) == 0;
	snprintf(path, 256, "%s", any ? found.gl_pathv[found.gl_pathc - 1] : program);
	globfree(&found);
	return path;
}

/* argv[0] becomes the program's path, by which Postgres' programs find one another. */
static struct server keeper_spawn(const char *program, const char **argv)
{
	char path[256];
	int fds[2];

	argv[0] = keeper_find(program, path);
	if (pipe2(fds, O_CLOEXEC) < 0)
		_exit(EXIT_FAILURE);
	pid_t pid = fork();
	if (pid == 0) {
		keeper_become(keeper_account());
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		if (chdir(home) == 0)
			execvp(path, (char *const *)argv);
		perror(path);
		_exit(EXIT_FAILURE);
	}
	close(fds[1]);
	return (struct server){pid, fds[0]};
}

/* Reads on until the server says that, or nothing more: then false. Keeps the last that it said. */
static bool keeper_await(struct server *server, const char *words)
{
	static char said[8192];
	size_t len = 0;
	ssize_t n;

	while ((n = read(server->output, said + len, sizeof said / 2 - 1)) > 0) {
		len += (size_t)n;
		said[len] = '\0';
		if (words && strstr(said, words))
			return true;
		if (len >= sizeof said / 2) {
			memmove(said, said + len - 256, 256);
			len = 256;
		}
	}
	if (words)
		fprintf(stderr, "%s\n", said);
	return false;
}

static int keeper_reap(struct server *server)
{
	int status;

	waitpid(server->pid, &status, 0);
	close(server->output);
	*server = (struct server){.output = -1};
	return status;
}

static void keeper_stop(struct server *server, int how)
{
	if (server->pid == 0)
		return;
	kill(server->pid, how);
	keeper_await(server, NULL);
	keeper_reap(server);
}

static void keeper_initialise(void)
{
	const char *argv[] = {"initdb", "-D", "data", "-U", "postgres", "-E", "UTF8",
		"--locale=C.UTF-8", "--auth=trust", "--no-sync", "--no-instructions", NULL};
	struct server initdb = keeper_spawn("initdb", argv);

	/* The keeper's own failure is the program's: it finds the socket closed. */
	if (keeper_await(&initdb, "Sync to disk skipped"))
		keeper_await(&initdb, NULL);
	if (keeper_reap(&initdb) != 0)
		_exit(EXIT_FAILURE);

	_cleanup_free_ char *path = NULL;
	if (asprintf(&path, "%s/data/pg_hba.conf", home) < 0)
		_exit(EXIT_FAILURE);
	FILE *hba = fopen(path, "w");
	if (!hba)
		_exit(EXIT_FAILURE);
	fputs("local all postgres trust\nlocal all all scram-sha-256\n", hba);
	fclose(hba);
}

static bool keeper_start(struct server *server)
{
	const char *argv[] = {"postgres", "-D", "data", "-c", "listen_addresses=", "-k", home, "-c",
		"fsync=off", "-c", "full_page_writes=off", "-c", "autovacuum=off", "-c",
		"timezone=Europe/Paris", "-c", "max_connections=50", "-c", "log_min_messages=error",
		"-c", "wal_level=minimal", "-c", "max_wal_senders=0", NULL};

	*server = keeper_spawn("postgres", argv);
	return keeper_await(server, "ready to accept connections");
}

static int keeper_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

/* One byte is one command, and is answered with one when it is done. */
static void keeper_serve(int fd)
{
	struct server server = {.output = -1};
	char command;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	keeper_initialise();
	for (;;) {
		struct pollfd p[] = {
			{.fd = fd, .events = POLLIN}, {.fd = server.output, .events = POLLIN}};
		char dropped[4096];

		poll(p, 2, -1);
		if (p[1].revents && read(server.output, dropped, sizeof dropped) <= 0)
			keeper_reap(&server);
		if (!p[0].revents)
			continue;
		if (recv(fd, &command, 1, 0) <= 0)
			break;
		if (command == 's' && !keeper_start(&server))
			break;
		if (command != 's')
			keeper_stop(&server, command == 'q' ? SIGQUIT : SIGINT);
		send(fd, &command, 1, 0);
	}
	keeper_stop(&server, SIGQUIT);
	nftw(home, keeper_remove, 16, FTW_DEPTH | FTW_PHYS);
	_exit(EXIT_SUCCESS);
}

/* ---- The test's side ---- */

static void keeper_command(char command)
{
	char answer = 0;

	if (send(keeper, &command, 1, MSG_NOSIGNAL) == 1 && recv(keeper, &answer, 1, 0) == 1 &&
		answer == command)
		return;
	fprintf(stderr, "the private Postgres does not do as it should\n");
	exit(EXIT_FAILURE);
}

void test_postgres_start(void)
{
	int fds[2];

	if (!mkdtemp(home) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		perror("a directory and a socket for Postgres");
		exit(EXIT_FAILURE);
	}
	const struct passwd *account = keeper_account();
	if (account && chown(home, account->pw_uid, account->pw_gid) < 0)
		perror(home);
	if (fork() == 0) {
		close(fds[0]);
		keeper_serve(fds[1]);
	}
	close(fds[1]);
	keeper = fds[0];
	test_postgres_resume();
}

void test_postgres_clean(void)
{
	PGconn *conn = test_postgres_connect();

	test_postgres_execute(conn, "SET client_min_messages TO error");
	test_postgres_execute(conn, "%s", schema);
	PQfinish(conn);
}

static char *test_postgres_words(
	const char *host, const char *user, const char *password, const char *database)
{
	char *words;

	int n = asprintf(&words, "host=%s user='%s' password='%s' dbname='%s'", host, user,
		password, database);
	ck_assert_int_gt(n, 0);
	return words;
}

char *test_postgres_url(const char *user, const char *password, const char *database)
{
	return test_postgres_words(home, user ? user : TEST_POSTGRES_USER,
		password ? password : TEST_POSTGRES_PASSWORD, database ? database : DATABASE);
}

char *test_postgres_url_at(const char *directory)
{
	return test_postgres_words(directory, TEST_POSTGRES_USER, TEST_POSTGRES_PASSWORD, DATABASE);
}

const char *test_postgres_home(void)
{
	return home;
}

void test_postgres_stop(int signal)
{
	keeper_command(signal == SIGQUIT ? 'q' : 'i');
}

void test_postgres_resume(void)
{
	keeper_command('s');
}

PGconn *test_postgres_connect(void)
{
	char words[128];

	snprintf(words, sizeof words, "host=%s user=postgres dbname=" DATABASE, home);
	PGconn *conn = PQconnectdb(words);
	ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
	return conn;
}

/* The first result's first field, "NULL" or "no row"; owned by the caller. */
static char *test_postgres_run(PGconn *conn, const char *sql)
{
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	ck_assert_msg(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", sql,
		PQerrorMessage(conn));
	const char *value = "no row";
	if (PQntuples(result) > 0)
		value = PQgetisnull(result, 0, 0) ? "NULL" : PQgetvalue(result, 0, 0);
	char *kept = strdup(value);
	PQclear(result);
	return kept;
}

static char *test_postgres_vrun(PGconn *conn, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static char *test_postgres_vrun(PGconn *conn, const char *format, va_list args)
{
	_cleanup_free_ char *sql = NULL;

	ck_assert_int_ge(vasprintf(&sql, format, args), 0);
	PGconn *own = conn ? NULL : test_postgres_connect();
	char *value = test_postgres_run(conn ? conn : own, sql);
	PQfinish(own);
	return value;
}

void test_postgres_execute(PGconn *conn, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	free(test_postgres_vrun(conn, format, args));
	va_end(args);
}

const char *test_postgres_value(const char *format, ...)
{
	static char *kept[4];
	static unsigned next;
	va_list args;

	next = (next + 1) % 4;
	free(kept[next]);
	va_start(args, format);
	kept[next] = test_postgres_vrun(NULL, format, args);
	va_end(args);
	return kept[next];
}

void test_postgres_row(const char *id, const char *status, const char *more)
{
	test_postgres_execute(NULL,
		"INSERT INTO background_jobs (id, type, payload, status, created_at, updated_at)"
		" SELECT '%s', 'test-echo', '{}', '%s', utc, utc"
		" FROM (SELECT now() AT TIME ZONE 'UTC') AS a (utc);"
		"UPDATE background_jobs SET id = id%s%s WHERE id = '%s'",
		id, status, more ? ", " : "", more ? more : "", id);
}
