#include "daemon/process_metrics.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exposition.h"
#include "base/file.h"

#define STAT_MAX 4096

/* Fields of /proc/PID/stat that are wanted, by their number in proc(5). */
enum {
	STAT_UTIME = 14,
	STAT_STIME = 15,
	STAT_THREADS = 20,
	STAT_STARTTIME = 22,
	STAT_VSIZE = 23,
	STAT_RSS = 24,
	STAT_N,
};

static void put(struct strbuf *out, const char *name, const char *type, const char *help, double n)
{
	exposition_family(out, name, type, help);
	exposition_sample(out, name, NULL, 0, n);
}

/* The name of the program, the second field, is in parentheses and may hold any. */
static int read_stat(double ret[static STAT_N])
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char *rest;

	int r = file_read("/proc/self/stat", STAT_MAX, &text);
	if (r < 0)
		return r;
	const char *field = strrchr(strbuf_str(&text), ')');
	if (!field || strlen(field) < 4)
		return -EBADMSG;
	field += 4; /* ") S": the third */
	for (int i = 4; i < STAT_N; i++, field = rest)
		ret[i] = strtod(field, &rest);
	return 0;
}

/*
 * When it started, in seconds since 1970. Reckoned once: two clocks are never read at the same
 * instant, and a moment that differs by a microsecond is taken for that of a restart.
 */
static double start_time(double since_boot)
{
	static double at;

	if (at == 0)
		at = (double)usec_sub(clock_realtime(), clock_boottime()) / (double)USEC_PER_SEC +
		     since_boot;
	return at;
}

static void put_stat(struct strbuf *out)
{
	double ticks = (double)sysconf(_SC_CLK_TCK), stat[STAT_N];

	if (read_stat(stat) < 0)
		return;
	put(out, "process_cpu_seconds_total", "counter", "User and system time.",
		(stat[STAT_UTIME] + stat[STAT_STIME]) / ticks);
	put(out, "process_threads", "gauge", "Threads.", stat[STAT_THREADS]);
	put(out, "process_start_time_seconds", "gauge", "When it started, since 1970.",
		start_time(stat[STAT_STARTTIME] / ticks));
	put(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.", stat[STAT_VSIZE]);
	put(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
		stat[STAT_RSS] * (double)sysconf(_SC_PAGESIZE));
}

static void put_limit(struct strbuf *out, const char *name, const char *help, int resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) == 0)
		put(out, name, "gauge", help,
			limit.rlim_cur == RLIM_INFINITY ? (double)INFINITY
							: (double)limit.rlim_cur);
}

static void put_descriptors(struct strbuf *out)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned n = 0;

	if (!folder)
		return;
	for (const struct dirent *entry; (entry = readdir(folder));)
		n += entry->d_name[0] != '.';
	closedir(folder);
	/* Less the one that we looked with. */
	put(out, "process_open_fds", "gauge", "Open file descriptors.", n - 1);
}

void process_metrics_write(struct strbuf *out)
{
	put_stat(out);
	put_descriptors(out);
	put_limit(out, "process_max_fds", "How many there may be.", RLIMIT_NOFILE);
	put_limit(out, "process_virtual_memory_max_bytes", "How much there may be.", RLIMIT_AS);
}
