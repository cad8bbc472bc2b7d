/*
 * What redrive and purge have in common: a command line that says which letters, and how surely;
 * and what becomes of each letter, told one by one.
 *
 * For people a letter is only told of before a dry run, or where it is not as it was asked for, on
 * stderr; with --json each is an object: message_id, job_id, type, action, reason (or null).
 */
#pragma once

#include <stdbool.h>

#include "ctl/choice.h"
#include "ctl/ctl.h"
#include "ctl/dlq.h"
#include "ctl/listing.h"

#define DEED_OPTIONS                                                                               \
	CHOICE_OPTIONS, {"all", no_argument, NULL, 'a'}, {"yes", no_argument, NULL, 'y'},          \
	{                                                                                          \
		"dry-run", no_argument, NULL, 'n'                                                  \
	}

struct deed {
	struct choice choice;
	bool all;
	bool yes;
	bool dry_run;
};
#define DEED_INIT ((struct deed){.choice = CHOICE_INIT})

/* As choice_option(). */
int deed_option(struct deed *deed, int option, const char *text);
/* What stands behind the options: more ids. 0 or 64. */
int deed_parse_rest(struct deed *deed, int argc, char **argv);
bool deed_has_choice(const struct deed *deed);

/* A dry run's table; action is what would be done. */
struct listing *deed_listing_new(const struct ctl *ctl);
void deed_list(
	struct listing *listing, const struct dead *dead, const char *action, const char *reason);

/* What was done: "sent", "deleted". */
void deed_tell(const struct ctl *ctl, const struct dead *dead, const char *action);
/* What was not, and why. */
void deed_complain(
	const struct ctl *ctl, const struct dead *dead, const char *action, const char *reason);

/* redrive --all by SQS' own task: rows stay as they are. per_second: 0: as fast as SQS likes. */
#define DLQ_MOVE_RATE_MAX 500
int dlq_move(struct dlq *dlq, const struct deed *deed, unsigned per_second);
