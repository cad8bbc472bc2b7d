/*
 * The queue's dead letters, looked at without deleting them, and their jobs' rows.
 *
 * Owns what was received, and the power over it: a letter in hand is invisible to others for a
 * minute, which dead_letters_keep() renews. dead_letters_release(), which dead_letters_free() calls
 * too, makes all that are still in hand visible again at once, also after Ctrl-C or a failure;
 * after kill -9 they are when their minute is over. Main thread. What goes wrong is said on stderr
 * here.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ctl/choice.h"
#include "ctl/client.h"
#include "ctl/database.h"
#include "ctl/dead.h"

struct dead_letters {
	struct client *client;
	char *url;            /* owned: the dead letter queue's */
	const char *name;     /* its name, for texts */
	struct dead *letters; /* owned */
	size_t n_letters;
	json_t *index;      /* message ids, and where their letters are */
	PGresult **results; /* whose rows the letters' are */
	size_t n_results;
};

/*
 * Finds the dead letter queue by the redrive policy of the queue. Borrows client for its life.
 * 0, or 1: there is none, or it could not be asked for.
 */
int dead_letters_open(struct client *client, const char *queue_url, struct dead_letters **ret);
struct dead_letters *dead_letters_free(struct dead_letters *dead);
DEFINE_CLEANUP(struct dead_letters *, dead_letters_free)

/*
 * Receives, until the queue has nothing new or limit letters are there; that there are more, or
 * that others have some in flight, is said. 0, or 1: it failed, or Ctrl-C came.
 */
int dead_letters_read(struct dead_letters *dead, size_t limit);

/* Asks for the rows of all jobs that letters name. 0 or 1. */
int dead_letters_join(struct dead_letters *dead, struct database *database);

/* Only those that choice takes stay, the others are visible again. 0 or 1. */
int dead_letters_choose(struct dead_letters *dead, const struct choice *choice);

/*
 * Renews what has not much time left. To be called between the steps of what takes long. A letter
 * that is not ours any more is not in hand afterwards. 0, or 1: it failed.
 */
int dead_letters_keep(struct dead_letters *dead);

/* Nothing is in hand afterwards; what the letters say stays. 0 or 1. */
int dead_letters_release(struct dead_letters *dead);
