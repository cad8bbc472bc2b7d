#include "ctl/follow.h"

#include <stdio.h>
#include <string.h>

#include "ctl/attributes.h"
#include "ctl/interrupt.h"
#include "ctl/listing.h"
#include "ctl/row.h"

/* Between two looks: a test job is over in a moment, any other is in no hurry. */
#define PAUSE_LEAST (20 * USEC_PER_MSEC)
#define PAUSE_MOST  USEC_PER_SEC

unsigned follow_receives(struct client *client, const char *url)
{
	json_auto_t *attributes = NULL;

	if (client_attributes(client, url, &attributes) != SQS_OK)
		return 1;
	int receives = attributes_receives(attributes);
	return receives > 1 ? (unsigned)receives : 1;
}

static bool follow_is_over(const struct follow *what, const struct row *row)
{
	if (strcmp(row->status, "completed") == 0)
		return true;
	return strcmp(row->status, "failed") == 0 && row->attempts >= (int)what->receives;
}

static void follow_show(const struct ctl *ctl, const struct row *row)
{
	if (ctl->json) {
		listing_put_json(row_json(row));
		return;
	}
	printf("%s after %d attempt%s\n", row->status, row->attempts,
		row->attempts == 1 ? "" : "s");
	if (row->error)
		listing_put_text(row->error, 2);
}

/* Out of time, or of patience. */
static int follow_give_up(const struct follow *what, const struct row *row)
{
	char timeout[CLOCK_DURATION_MAX];

	if (interrupted())
		return ctl_fail(
			EXIT_FAILURE, "interrupted; job %s goes on without being watched", row->id);
	return ctl_fail(EXIT_FAILURE, "job %s is not at its end after %s: nexusctl job show %s",
		row->id, clock_format_duration(what->timeout, timeout), row->id);
}

int follow(const struct ctl *ctl, struct database *database, const struct follow *what)
{
	usec_t end = clock_monotonic() + what->timeout, pause = PAUSE_LEAST;

	for (;;) {
		/* Whoever stops waiting is told how far the job is. */
		interrupt_hold(true);
		_cleanup_result_ PGresult *result = row_find(database, &what->id, 1);
		interrupt_hold(false);
		struct row row;
		if (!result)
			return EXIT_FAILURE;
		if (PQntuples(result) == 0)
			return ctl_fail(EXIT_FAILURE, "there is no job %s", what->id);
		row_read(result, 0, &row);
		bool over = follow_is_over(what, &row);
		usec_t now = clock_monotonic();
		if (over || interrupted() || now >= end) {
			follow_show(ctl, &row);
			if (!over)
				return follow_give_up(what, &row);
			return strcmp(row.status, "completed") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
		}
		interrupt_pause(usec_min(pause, end - now));
		pause = usec_min(2 * pause, PAUSE_MOST);
	}
}
