#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log_line.h"
#include "base/utf8.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* A pipe takes this much whole or not at all, so that lines of several threads do not mix. */
#define LINE_MAX_STDERR  PIPE_BUF
#define LINE_MAX_JOURNAL 8192
#define MESSAGE_MAX      3072

#define DROPPED_EVERY  USEC_PER_SEC
#define LAST_WORD_MSEC 1000

/*
 * One wait, and after how much of them in a second no further one begins: so a journal that stands
 * still costs us half of our time at most.
 */
#define WAIT_USEC          (200 * USEC_PER_MSEC)
#define WAITED_USEC_ENOUGH (300 * USEC_PER_MSEC)

/* How a line is written so that nobody waits for its reader. */
enum log_sink {
	LOG_SINK_FILE,
	LOG_SINK_PIPE,        /* a description of our own, which does not block */
	LOG_SINK_SHARED_PIPE, /* could not be opened anew: it is another user's */
	LOG_SINK_SOCKET,
};

static struct {
	enum log_sink sink;
	int stderr_fd;
	enum log_text_style style;
	int journal_fd;
	struct sockaddr_un journal;
	char identifier[64];
} self = {.stderr_fd = STDERR_FILENO, .journal_fd = -1};

static _Atomic(int) log_level = LOG_INFO;
static _Atomic(enum log_format) log_form = LOG_FORMAT_TEXT;
static _Atomic(uint64_t) log_n_dropped;
static _Atomic(usec_t) log_dropped_said_at; /* CLOCK_MONOTONIC; 0 never */
static _Atomic(usec_t) log_waits_since;     /* CLOCK_MONOTONIC: when this second of waits began */
static _Atomic(usec_t) log_waited;          /* in it */

static const struct {
	const char *name;
	int level;
} log_levels[] = {
	{"error", LOG_ERR},
	{"warning", LOG_WARNING},
	{"notice", LOG_NOTICE},
	{"info", LOG_INFO},
	{"debug", LOG_DEBUG},
};
#define N_LEVELS (sizeof log_levels / sizeof log_levels[0])

const char *log_level_name(int level)
{
	for (size_t i = 0; i < N_LEVELS; i++)
		if (level <= log_levels[i].level)
			return log_levels[i].name;
	return "debug";
}

void log_set_level(int level)
{
	atomic_store(&log_level, level);
}

bool log_enabled(int priority)
{
	return priority <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

/* systemd says which socket it made our stderr; that variable outlives a redirection. */
static bool log_stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static bool log_stderr_has_colour(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && (!no_color || !*no_color) &&
	       (!term || strcmp(term, "dumb") != 0);
}

static void log_open_stderr(void)
{
	struct stat st;

	self.sink = LOG_SINK_FILE;
	self.stderr_fd = STDERR_FILENO;
	self.style = LOG_TEXT_PLAIN;
	if (log_stderr_has_colour())
		self.style = LOG_TEXT_COLOUR;
	else if (log_stderr_is_journal())
		self.style = LOG_TEXT_SYSLOG;

	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	if (S_ISSOCK(st.st_mode))
		self.sink = LOG_SINK_SOCKET;
	if (!S_ISFIFO(st.st_mode))
		return;
	/* O_NONBLOCK on fd 2 would be felt by everyone who shares that pipe's end with us. */
	int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	self.sink = fd >= 0 ? LOG_SINK_PIPE : LOG_SINK_SHARED_PIPE;
	if (fd >= 0)
		self.stderr_fd = fd;
}

/*
 * Not connected: each line looks the path up, so that a journal that was restarted, or came late,
 * gets the next one.
 */
static void log_open_journal(const char *path)
{
	const int buffer = 8 << 20; /* of which the kernel grants what it allows */
	const struct timeval wait = {.tv_usec = WAIT_USEC};

	self.journal = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(self.journal.sun_path, sizeof self.journal.sun_path, "%s", path);
	self.journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (self.journal_fd < 0)
		return;
	setsockopt(self.journal_fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	setsockopt(self.journal_fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

static int log_probe_journal(void)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (self.journal_fd < 0)
		return -EBADF;
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&self.journal, sizeof self.journal) < 0)
		return -errno;
	return 0;
}

int log_set_format(enum log_format format)
{
	int r = 0;

	switch (format) {
	case LOG_FORMAT_AUTO:
		format = LOG_FORMAT_TEXT;
		if (log_stderr_is_journal() && log_probe_journal() == 0)
			format = LOG_FORMAT_JOURNAL;
		break;
	case LOG_FORMAT_JOURNAL:
		r = log_probe_journal();
		break;
	case LOG_FORMAT_TEXT:
	case LOG_FORMAT_JSON:
		break;
	}
	if (r == 0)
		atomic_store(&log_form, format);
	return r;
}

int log_open(const struct log_options *options)
{
	log_close();
	snprintf(self.identifier, sizeof self.identifier, "%s", options->identifier);
	log_open_stderr();
	log_open_journal(options->journal_socket ? options->journal_socket : JOURNAL_SOCKET);
	log_set_level(options->level);
	return log_set_format(options->format);
}

static bool log_write_stderr(const char *line, size_t len)
{
	struct pollfd ready = {.fd = self.stderr_fd, .events = POLLOUT};
	ssize_t n = -1;

	switch (self.sink) {
	case LOG_SINK_SOCKET:
		n = send(self.stderr_fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case LOG_SINK_SHARED_PIPE:
		/* Two threads may find room for one line; then one of them waits. */
		if (poll(&ready, 1, 0) != 1 || ready.revents != POLLOUT)
			break;
		/* fall through */
	case LOG_SINK_PIPE:
	case LOG_SINK_FILE:
		n = write(self.stderr_fd, line, len);
		break;
	}
	return n == (ssize_t)len;
}

static bool log_send_journal(const char *line, size_t len, int flags)
{
	ssize_t n = sendto(self.journal_fd, line, len, flags | MSG_NOSIGNAL,
		(const struct sockaddr *)&self.journal, sizeof self.journal);

	return n == (ssize_t)len;
}

static bool log_wait_for_journal(const char *line, size_t len)
{
	usec_t begun = clock_monotonic();

	if (usec_sub(begun, atomic_load(&log_waits_since)) >= USEC_PER_SEC) {
		atomic_store(&log_waits_since, begun);
		atomic_store(&log_waited, 0);
	}
	if (atomic_load(&log_waited) >= WAITED_USEC_ENOUGH)
		return false;
	bool taken = log_send_journal(line, len, 0);
	atomic_fetch_add(&log_waited, usec_sub(clock_monotonic(), begun));
	return taken;
}

static bool log_write_journal(const char *line, size_t len, bool patient)
{
	if (log_send_journal(line, len, MSG_DONTWAIT))
		return true;
	return patient && errno == EAGAIN && log_wait_for_journal(line, len);
}

/* patient: the journal is worth waiting for. */
static bool log_send(const struct log_line *line, bool patient)
{
	char buffer[LINE_MAX_JOURNAL];

	switch (atomic_load(&log_form)) {
	case LOG_FORMAT_JOURNAL:
		return log_write_journal(buffer,
			log_line_journal(line, self.identifier, buffer, sizeof buffer), patient);
	case LOG_FORMAT_JSON:
		return log_write_stderr(buffer, log_line_json(line, buffer, LINE_MAX_STDERR));
	case LOG_FORMAT_TEXT:
	case LOG_FORMAT_AUTO:
		break;
	}
	return log_write_stderr(buffer, log_line_text(line, self.style, buffer, LINE_MAX_STDERR));
}

/*
 * Where lines are dropped there is seldom room for one more: said before every line, the count
 * would take the place of the lines themselves.
 */
static bool log_dropped_is_due(void)
{
	if (atomic_load_explicit(&log_n_dropped, memory_order_relaxed) == 0)
		return false;
	usec_t said_at = atomic_load(&log_dropped_said_at);
	return said_at == 0 || usec_sub(clock_monotonic(), said_at) >= DROPPED_EVERY;
}

/* Whoever takes the count has to say it, or to put it back. */
static void log_say_dropped(void)
{
	uint64_t n_dropped = atomic_exchange(&log_n_dropped, 0);
	bool journal = atomic_load(&log_form) == LOG_FORMAT_JOURNAL;
	bool one = n_dropped == 1;
	char message[128];

	if (n_dropped == 0)
		return;
	snprintf(message, sizeof message, "%" PRIu64 " log %s dropped: %s did not take %s in time",
		n_dropped, one ? "line was" : "lines were", journal ? "the journal" : "stderr",
		one ? "it" : "them");
	struct log_line line = {
		.time = clock_realtime(),
		.priority = LOG_WARNING,
		.message = message,
	};
	if (log_send(&line, false))
		atomic_store(&log_dropped_said_at, clock_monotonic());
	else
		atomic_fetch_add(&log_n_dropped, n_dropped);
}

void log_write(
	int priority, const struct log_field *fields, size_t n_fields, const char *format, ...)
{
	int saved_errno = errno;
	char message[MESSAGE_MAX + sizeof "…"];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(message, sizeof message, format, args);
	va_end(args);
	if (len > MESSAGE_MAX)
		strcpy(message + utf8_cut(message, (size_t)len, MESSAGE_MAX), "…");

	struct log_line line = {
		.time = clock_realtime(),
		.priority = priority,
		.message = len < 0 ? format : message,
		.fields = fields,
		.n_fields = n_fields,
	};
	if (log_dropped_is_due())
		log_say_dropped();
	if (!log_send(&line, priority <= LOG_WARNING))
		atomic_fetch_add(&log_n_dropped, 1);
	errno = saved_errno;
}

/* Until whoever reads has room for one line, gone away, or used up our patience. */
static void log_await_room(void)
{
	struct pollfd room = {.fd = self.stderr_fd, .events = POLLOUT};

	if (atomic_load(&log_form) == LOG_FORMAT_JOURNAL) {
		/* Only a socket that is connected knows of its receiver's room. */
		const struct sockaddr *journal = (const struct sockaddr *)&self.journal;
		if (connect(self.journal_fd, journal, sizeof self.journal) < 0)
			return;
		room.fd = self.journal_fd;
	}
	poll(&room, 1, LAST_WORD_MSEC);
}

void log_close(void)
{
	log_say_dropped();
	if (atomic_load(&log_n_dropped) > 0) {
		log_await_room();
		log_say_dropped();
	}
	if (self.stderr_fd != STDERR_FILENO)
		close(self.stderr_fd);
	if (self.journal_fd >= 0)
		close(self.journal_fd);
	self.sink = LOG_SINK_FILE;
	self.stderr_fd = STDERR_FILENO;
	self.journal_fd = -1;
	self.style = LOG_TEXT_PLAIN;
	atomic_store(&log_form, LOG_FORMAT_TEXT);
	atomic_store(&log_n_dropped, 0);
	atomic_store(&log_dropped_said_at, 0);
	atomic_store(&log_waited, 0);
}
