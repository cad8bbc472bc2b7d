/*
 * marker: a job's program that leaves marks which its daemon cannot leave in its stead.
 *
 *     marker FILE
 *
 * Appends a line to FILE when it begins and one when it ends: WORD JOB ATTEMPT PID PARENT
 * MICROSECONDS (since 1970), WORD being begin or end; who is killed writes no end. Between them it
 * holds a lock on the byte of FILE that the job's id stands for. If somebody has that already it
 * says so with a line whose word is double, and goes on: then the job runs twice at the same time,
 * whatever any clock says. The kernel lets go of the lock when the process has ended, however.
 *
 * The payload says what the job is: {"ms": how long it takes, "laterMs": and from the second
 * attempt on, "exit": with which status it ends, "failAttempts": but with 0 after so many attempts,
 * "deaf": 1 if SIGTERM does not end it}; each 0 unless given, laterMs as ms, failAttempts without
 * an end.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD_MAX 4096

/* The number behind "name": in a flat object; 0: not there. */
static long payload_number(const char *payload, const char *name)
{
	const char *at = strstr(payload, name);

	at = at ? strchr(at, ':') : NULL;
	return at ? strtol(at + 1, NULL, 10) : 0;
}

static void read_payload(char payload[PAYLOAD_MAX])
{
	size_t len = fread(payload, 1, PAYLOAD_MAX - 1, stdin);

	payload[len] = '\0';
}

/* One write of a short line: to a file that is open for appending nobody writes between. */
static void mark(int fd, const char *word)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (dprintf(fd, "%s %s %s %d %d %lld%06ld\n", word, getenv("JOB_ID"), getenv("JOB_ATTEMPT"),
		    getpid(), getppid(), (long long)now.tv_sec, now.tv_nsec / 1000) < 0)
		abort();
}

/* FNV-1a, as an offset. */
static off_t place_of(const char *job)
{
	uint64_t hash = 14695981039346656037u;

	for (; *job; job++)
		hash = (hash ^ (unsigned char)*job) * 1099511628211u;
	return (off_t)(hash >> 2);
}

static int take_lock(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = place_of(getenv("JOB_ID")),
		.l_len = 1,
	};

	return fcntl(fd, F_SETLK, &lock);
}

static void pass(long ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

static long attempt(void)
{
	return strtol(getenv("JOB_ATTEMPT"), NULL, 10);
}

static long duration_of(const char *payload)
{
	bool later = attempt() > 1 && strstr(payload, "\"laterMs\"");

	return payload_number(payload, later ? "\"laterMs\"" : "\"ms\"");
}

static int status_of(const char *payload)
{
	long n_failures = payload_number(payload, "\"failAttempts\"");

	if (n_failures > 0 && attempt() > n_failures)
		return 0;
	return (int)payload_number(payload, "\"exit\"");
}

int main(int argc, char **argv)
{
	char payload[PAYLOAD_MAX];
	int fd;

	if (argc != 2 || !getenv("JOB_ID") || !getenv("JOB_ATTEMPT")) {
		fputs("usage: marker FILE, as a job's program\n", stderr);
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		perror(argv[1]);
		return 2;
	}
	read_payload(payload);
	if (payload_number(payload, "\"deaf\""))
		signal(SIGTERM, SIG_IGN);
	mark(fd, "begin");
	if (take_lock(fd) < 0)
		mark(fd, "double");
	pass(duration_of(payload));
	mark(fd, "end");
	return status_of(payload);
}
