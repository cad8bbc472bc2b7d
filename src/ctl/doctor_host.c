#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/settings.h"
#include "ctl/doctor.h"
#include "ctl/unit.h"
#include "ctl/when.h"
#include "daemon/health.h"
#include "daemon/imprint.h"

#define OUTPUT_MAX ((size_t)64 << 10)

/* TimeoutStopSec= has to be longer than drain_timeout by that. */
#define STOP_MARGIN (30 * USEC_PER_SEC)

/* ---- What systemctl shows ---- */

static int read_all(int fd, struct strbuf *out)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && strbuf_append(out, chunk, (size_t)n) < 0)
			return out->error;
	}
	return 0;
}

/* What it writes to stdout, where it ends well. */
static int run(const char *const *words, struct strbuf *out)
{
	posix_spawn_file_actions_t actions;
	int ends[2], status = -1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	int r = -posix_spawnp(&pid, words[0], &actions, NULL, (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (r == 0) {
		r = read_all(ends[0], out);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	return r < 0 ? r : status == 0 ? 0 : -EIO;
}

/* Of "Name=value" lines. Owned; "" where it is not there. */
static char *property(const struct strbuf *shown, const char *name)
{
	size_t len = strlen(name);
	const char *line = strbuf_str(shown);

	while (*line) {
		size_t line_len = strcspn(line, "\n");
		if (line_len > len && strncmp(line, name, len) == 0 && line[len] == '=')
			return strndup(line + len + 1, line_len - len - 1);
		line += line_len + (line[line_len] == '\n');
	}
	return strdup("");
}

/* ---- The unit ---- */

static void judge_state(struct doctor *d, const struct unit *unit, const struct strbuf *shown)
{
	_cleanup_free_ char *load = property(shown, "LoadState");
	_cleanup_free_ char *active = property(shown, "ActiveState");
	_cleanup_free_ char *sub = property(shown, "SubState");
	_cleanup_free_ char *said = property(shown, "StatusText");
	const char *comma = said && said[0] ? ": " : "";
	char logs[NAME_MAX + 16], start[2 * NAME_MAX + 64];

	snprintf(logs, sizeof logs, "journalctl -u %s", unit->name);
	snprintf(
		start, sizeof start, "systemctl start %s; %s tells why it ended", unit->name, logs);
	if (!load || !active || !sub || !said)
		return;
	if (strcmp(load, "loaded") != 0)
		doctor_say(d, DOCTOR_WARNING, "daemon",
			"install it here, or look where it is installed",
			"there is no unit %s.service on this machine (%s)", unit->name, load);
	else if (strcmp(active, "active") == 0 || strcmp(active, "reloading") == 0)
		/* To AWS it may be somebody else than we are, and miss what we were given. */
		doctor_say(d, strstr(said, HEALTH_AMISS) ? DOCTOR_BAD : DOCTOR_GOOD, "daemon", NULL,
			"%s (%s)%s%s", active, sub, comma, said);
	else if (strcmp(active, "activating") == 0)
		doctor_say(
			d, DOCTOR_WARNING, "daemon", logs, "%s (%s)%s%s", active, sub, comma, said);
	else
		doctor_say(d, DOCTOR_BAD, "daemon", start, "%s (%s)%s%s", active, sub, comma, said);
}

static void judge_unit_file(
	struct doctor *d, const struct strbuf *shown, const struct settings *settings)
{
	_cleanup_free_ char *changed = property(shown, "NeedDaemonReload");
	_cleanup_free_ char *stop = property(shown, "TimeoutStopUSec");
	usec_t drain = settings->worker.drain_timeout, allowed;
	char text[CLOCK_DURATION_MAX];

	if (changed && strcmp(changed, "yes") == 0)
		doctor_say(d, DOCTOR_WARNING, "unit", "systemctl daemon-reload",
			"its files were changed, and systemd has not read them again");
	/* "infinity" is none, and long enough. */
	if (stop && when_parse_duration(stop, &allowed) == 0 && allowed < drain + STOP_MARGIN)
		doctor_say(d, DOCTOR_WARNING, "unit",
			"set TimeoutStopSec= to half a minute more than drain_timeout",
			"systemd lets a stop take %s only, and [worker] drain_timeout is %s", stop,
			clock_format_duration(drain, text));
}

/* ---- The files that it reads ---- */

/* By its modes, for a user who is in one group. */
static bool may_read(const struct stat *st, const struct passwd *user)
{
	mode_t wanted = S_ISDIR(st->st_mode) ? S_IROTH | S_IXOTH : S_IROTH;
	mode_t mode = st->st_uid == user->pw_uid   ? st->st_mode >> 6
		      : st->st_gid == user->pw_gid ? st->st_mode >> 3
						   : st->st_mode;

	return (mode & wanted) == wanted;
}

/* Root reads everything, and would call settings good that the daemon cannot see. */
static void judge_files(struct doctor *d, const struct strbuf *shown)
{
	_cleanup_free_ char *name = property(shown, "User");
	const struct passwd *user = name && name[0] ? getpwnam(name) : NULL;
	char directory[] = SETTINGS_DIRECTORY;

	if (!user || geteuid() != 0)
		return;
	FTS *tree = fts_open((char *[]){directory, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	for (const FTSENT *entry; tree && (entry = fts_read(tree));)
		if ((entry->fts_info == FTS_D || entry->fts_info == FTS_F) &&
			!may_read(entry->fts_statp, user))
			doctor_say(d, DOCTOR_WARNING, "files",
				"systemd-tmpfiles --create nexus-worker.conf",
				"%s is not for the daemon's user %s to read", entry->fts_path,
				name);
	if (tree)
		fts_close(tree);
}

/* Where systemd is not, there may be one all the same. */
static void look_without_systemd(struct doctor *d, const struct unit *unit)
{
	struct imprint_seen seen = {0};
	char since[WHEN_MAX];

	if (imprint_read(unit->runtime_directory, &seen) == 0)
		doctor_say(d, DOCTOR_GOOD, "daemon", NULL,
			"one runs here, and read its settings at %s",
			when_utc(seen.written_at, since));
	else
		doctor_say(d, DOCTOR_WARNING, "daemon", "look where it runs",
			"whether it runs is not known: there is no systemd here to ask");
	json_decref(seen.settings);
}

void doctor_look_at_host(struct doctor *d, const struct settings *settings)
{
	struct unit unit;
	const char *const words[] = {"systemctl", "show", "--no-pager",
		"--property=LoadState,ActiveState,SubState,StatusText",
		"--property=NeedDaemonReload,TimeoutStopUSec,User", "--", unit.name, NULL};
	_cleanup_strbuf_ struct strbuf shown = {.ceiling = OUTPUT_MAX};

	unit_of(d->ctl->config, &unit);
	if (run(words, &shown) < 0) {
		look_without_systemd(d, &unit);
		return;
	}
	judge_state(d, &unit, &shown);
	judge_unit_file(d, &shown, settings);
	judge_files(d, &shown);
}
