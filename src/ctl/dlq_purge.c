#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/ask.h"
#include "ctl/deed.h"
#include "ctl/interrupt.h"
#include "ctl/progress.h"

struct purge {
	struct deed deed;
	const char *file; /* --save; NULL: one named by queue and time */
	bool no_save;

	struct dlq dlq;
	struct strbuf path;
	size_t n_deleted;
	size_t n_kept;
};

/* ---- Saved first ---- */

static int purge_name_file(struct purge *purge)
{
	char now[32];
	time_t seconds = (time_t)(clock_realtime() / USEC_PER_SEC);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(now, sizeof now, "%Y-%m-%dT%H%M%SZ", &tm);
	if (purge->file)
		strbuf_puts(&purge->path, purge->file);
	else
		strbuf_printf(&purge->path, "%s-%s.jsonl", purge->dlq.dead->name, now);
	return purge->path.error < 0 ? ctl_fail(EXIT_FAILURE, "out of memory") : EXIT_SUCCESS;
}

/* The file's name is to last too. 0 or a negative errno. */
static int sync_directory_of(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	_cleanup_close_ int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* 0 or a negative errno. */
static int purge_write(const struct purge *purge, FILE *out)
{
	const struct dead_letters *dead = purge->dlq.dead;

	for (size_t i = 0; i < dead->n_letters; i++) {
		json_auto_t *json = dead_json(&dead->letters[i]);
		if (!json)
			return -ENOMEM;
		if (json_dumpf(json, out, JSON_COMPACT) < 0 || putc('\n', out) == EOF)
			return errno ? -errno : -EIO;
	}
	return fflush(out) == EOF || fsync(fileno(out)) < 0 ? -errno : 0;
}

/* All of it is on disk, or nothing of it is there. */
static int purge_save(struct purge *purge)
{
	const char *path = strbuf_str(&purge->path);

	/* Bodies may be personal. */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return ctl_fail(EXIT_FAILURE, "%s: %m; nothing was deleted", path);
	FILE *out = fdopen(fd, "w");
	int r = out ? purge_write(purge, out) : -errno;
	if (out)
		fclose(out);
	else
		close(fd);
	if (r == 0)
		r = sync_directory_of(path);
	if (r == 0)
		return EXIT_SUCCESS;
	unlink(path);
	return ctl_fail(EXIT_FAILURE, "%s: %s; nothing was deleted", path, strerror(-r));
}

/* ---- And then deleted ---- */

static void purge_keep(struct purge *purge, const struct dead *dead, const char *reason)
{
	purge->n_kept++;
	deed_complain(purge->dlq.desk.ctl, dead, "kept", reason);
}

/* 0: go on; 1: the next would fare no better, and why was said. */
static int purge_ten(struct purge *purge, struct dead *const *ten, size_t n)
{
	const struct dlq *dlq = &purge->dlq;
	enum sqs_result results[SQS_BATCH_MAX];
	const char *handles[SQS_BATCH_MAX];
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < n; i++)
		handles[i] = ten[i]->letter->handle;
	interrupt_hold(true);
	client_delete(dlq->desk.client, dlq->dead->url, handles, n, results);
	interrupt_hold(false);
	for (size_t i = 0; i < n; i++) {
		if (results[i] != SQS_OK) {
			purge_keep(purge, ten[i], client_error(dlq->desk.client));
			status = EXIT_FAILURE;
			continue;
		}
		ten[i]->until = 0;
		purge->n_deleted++;
		deed_tell(dlq->desk.ctl, ten[i], "deleted");
	}
	return status;
}

/* The next ten that are in hand, from *i on. */
static size_t purge_gather(struct purge *purge, size_t *i, struct dead **ten)
{
	struct dead_letters *dead = purge->dlq.dead;
	size_t n = 0;

	for (; *i < dead->n_letters && n < SQS_BATCH_MAX; ++*i) {
		if (dead->letters[*i].until > 0)
			ten[n++] = &dead->letters[*i];
		else
			purge_keep(purge, &dead->letters[*i], "somebody else has it in hand now");
	}
	return n;
}

static int purge_all(struct purge *purge)
{
	struct dead_letters *dead = purge->dlq.dead;
	struct dead *ten[SQS_BATCH_MAX];
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < dead->n_letters && status == EXIT_SUCCESS;) {
		if (interrupted() || dead_letters_keep(dead) != EXIT_SUCCESS)
			return EXIT_FAILURE;
		size_t n = purge_gather(purge, &i, ten);
		if (n > 0)
			status = purge_ten(purge, ten, n);
		progress("%zu of %zu dead letters are deleted", purge->n_deleted, dead->n_letters);
	}
	progress_end();
	return status;
}

static int purge_stop(const struct purge *purge)
{
	const struct dead_letters *dead = purge->dlq.dead;
	const char *path = strbuf_str(&purge->path);

	return ctl_fail(EXIT_FAILURE, "%s: %zu of %zu dead letters of %s are deleted%s%s",
		interrupted() ? "interrupted" : "stopped", purge->n_deleted, dead->n_letters,
		dead->name, purge->no_save ? "" : "; all are saved in ",
		purge->no_save ? "" : path);
}

static void purge_end(const struct purge *purge)
{
	const char *path = purge->no_save ? NULL : strbuf_str(&purge->path);

	if (!purge->dlq.desk.ctl->json) {
		printf("%zu dead letters of %s are deleted\n", purge->n_deleted,
			purge->dlq.dead->name);
		if (path)
			printf("saved in %s\n", path);
	} else if (path)
		listing_put_json(json_pack("{s:s}", "saved", path));
}

/* ---- The command ---- */

static int purge_preview(const struct purge *purge)
{
	const struct dead_letters *dead = purge->dlq.dead;
	_cleanup_(listing_freep) struct listing *listing = deed_listing_new(purge->dlq.desk.ctl);

	if (!listing)
		return EXIT_FAILURE;
	for (size_t i = 0; i < dead->n_letters; i++)
		deed_list(listing, &dead->letters[i], "deleted", NULL);
	return listing_end(listing, "no dead letters");
}

static int purge_parse(struct purge *purge, int argc, char **argv)
{
	static const struct option options[] = {DEED_OPTIONS,
		{"save", required_argument, NULL, 's'}, {"no-save", no_argument, NULL, 'S'}, {0}};
	int c, status;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 's':
			purge->file = optarg;
			break;
		case 'S':
			purge->no_save = true;
			break;
		default:
			status = deed_option(&purge->deed, c, optarg);
			if (status != EXIT_SUCCESS)
				return status;
		}
	}
	if (purge->file && purge->no_save)
		return ctl_usage("dlq", "--save, or --no-save: not both");
	return deed_parse_rest(&purge->deed, argc, argv);
}

static int purge_ask(struct purge *purge)
{
	int status = purge_name_file(purge);
	if (status != EXIT_SUCCESS)
		return status;
	return ask(purge->deed.yes, "Delete %zu dead letters of %s for good, %s%s?",
		purge->dlq.dead->n_letters, purge->dlq.dead->name,
		purge->no_save ? "saved nowhere" : "once they are saved in ",
		purge->no_save ? "" : strbuf_str(&purge->path));
}

static int purge_run(struct purge *purge)
{
	struct dlq *dlq = &purge->dlq;

	int status = dlq_read(dlq, &purge->deed.choice);
	if (status != EXIT_SUCCESS)
		return status;
	int missing = dlq_missing(dlq, &purge->deed.choice);
	if (purge->deed.dry_run || dlq->dead->n_letters == 0)
		return purge_preview(purge) == EXIT_SUCCESS ? missing : EXIT_FAILURE;
	status = purge_ask(purge);
	if (status == EXIT_SUCCESS && !purge->no_save)
		status = purge_save(purge);
	if (status != EXIT_SUCCESS)
		return status;
	if (purge_all(purge) != EXIT_SUCCESS)
		return purge_stop(purge);
	purge_end(purge);
	return purge->n_kept > 0 ? EXIT_FAILURE : missing;
}

static void purge_done(struct purge *purge)
{
	choice_done(&purge->deed.choice);
	strbuf_done(&purge->path);
	dlq_close(&purge->dlq);
}

int dlq_purge(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(purge_done) struct purge purge = {.deed = DEED_INIT, .path = STRBUF_INIT};

	int status = purge_parse(&purge, argc, argv);
	if (status == EXIT_SUCCESS)
		status = dlq_open(&purge.dlq, ctl);
	return status == EXIT_SUCCESS ? purge_run(&purge) : status;
}
