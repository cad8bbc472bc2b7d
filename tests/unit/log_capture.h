/*
 * For the tests of the log: a stderr that can be looked at. Each case runs in a process of its own,
 * so that it may replace its stderr.
 */
#pragma once

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/test_folder.h"
#include "base/log.h"

static const char *directory; /* the test's own, where it is */
static char socket_path[64];

static inline void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	unsetenv("JOURNAL_STREAM");
	unsetenv("NO_COLOR");
	directory = test_folder_enter();
	snprintf(socket_path, sizeof socket_path, "%s/socket", directory);
}

static inline void teardown(void)
{
	log_close();
	test_folder_leave();
}

static inline int open_log(enum log_format format)
{
	return log_open(&(struct log_options){
		.format = format,
		.level = LOG_INFO,
		.identifier = "tested",
		.journal_socket = socket_path,
	});
}

/* Makes fd our stderr; the log may then be opened. */
static inline void become_stderr(int fd)
{
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
}

/* The end to read from, which does not block. */
static inline int pipe_as_stderr(void)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	become_stderr(fds[1]);
	return fds[0];
}

static inline int socket_as_stderr(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	become_stderr(fds[1]);
	return fds[0];
}

/* What there is to read, up to 1 MiB, as a text that lives until the next call. */
static inline const char *read_all(int fd)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

/* What follows the time, "2026-01-31T12:34:56.007Z ", which is there in this form. */
static inline const char *after_time(const char *line)
{
	static const char form[] = "0000-00-00T00:00:00.000Z ";

	for (const char *f = form; *f; f++, line++)
		ck_assert(*f == '0' ? *line >= '0' && *line <= '9' : *line == *f);
	return line;
}

static inline unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* Logs more than a pipe or socket holds; how many lines were not taken. */
static inline unsigned overfill(int fd)
{
	const unsigned n = 20000;

	for (unsigned i = 0; i < n; i++)
		log_info("filling");
	unsigned n_taken = count(read_all(fd), "filling\n");
	ck_assert_uint_gt(n_taken, 0);
	ck_assert_uint_lt(n_taken, n);
	return n - n_taken;
}
