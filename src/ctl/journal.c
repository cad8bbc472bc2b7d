#include "ctl/journal.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

/* Where there is none, or none that is ours to read, the journal is open and empty. */
static int journal_open(const char *job_id, sd_journal **ret)
{
	_cleanup_(sd_journal_closep) sd_journal *journal = NULL;
	_cleanup_strbuf_ struct strbuf match = STRBUF_INIT;

	int r = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
	if (r < 0)
		return r;
	if (sd_journal_has_persistent_files(journal) <= 0 &&
		sd_journal_has_runtime_files(journal) <= 0)
		return -ENOENT;
	r = strbuf_printf(&match, "NEXUS_JOB_ID=%s", job_id);
	if (r == 0)
		r = sd_journal_add_match(journal, match.data, match.len);
	if (r == 0)
		*ret = TAKE_PTR(journal);
	return r;
}

static int journal_put(sd_journal *journal, journal_fn *line, void *userdata)
{
	static const char field[] = "MESSAGE=";
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const void *data;
	usec_t at;
	size_t len;

	int r = sd_journal_get_realtime_usec(journal, &at);
	if (r == 0)
		r = sd_journal_get_data(journal, "MESSAGE", &data, &len);
	if (r == 0)
		r = strbuf_append(&text, (const char *)data + strlen(field), len - strlen(field));
	/* A line without a message is none of the daemon's. */
	if (r == 0)
		line(userdata, at, strbuf_str(&text));
	return r == -ENOENT ? 0 : r;
}

int journal_read(const char *job_id, unsigned limit, journal_fn *line, void *userdata)
{
	_cleanup_(sd_journal_closep) sd_journal *journal = NULL;

	int r = journal_open(job_id, &journal);
	if (r == 0)
		r = sd_journal_seek_tail(journal);
	int n = r == 0 ? sd_journal_previous_skip(journal, limit) : r;
	r = n;
	for (int i = 0; i < n && r >= 0; i++) {
		r = journal_put(journal, line, userdata);
		if (r >= 0)
			r = sd_journal_next(journal);
	}
	return r < 0 ? r : n;
}
