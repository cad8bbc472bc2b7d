/*
 * What the commands of nexusctl dlq have in common: which dead letters are meant, and the way from
 * the settings to them. Each has a file of its own, dlq_NAME.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/dead_letters.h"
#include "ctl/desk.h"

struct dlq {
	struct desk desk; /* its database NULL: it is away */
	struct dead_letters *dead;
};

/* Reads the settings and finds the dead letter queue. 0 or the exit status of what was said. */
int dlq_open(struct dlq *dlq, const struct ctl *ctl);

/*
 * Connects to the database too, and reads the letters and their rows; those that choice takes are
 * in hand then. 0 or the exit status.
 */
int dlq_read(struct dlq *dlq, const struct choice *choice);
/*
 * The same for who only looks: none is in hand then. That rows are missing, or that letters could
 * not be given back, was said and makes *ret_status 1.
 */
int dlq_look(struct dlq *dlq, const struct choice *choice, int *ret_status);
/* 0, or 1: there is none of some id that was asked for, which is said. */
int dlq_missing(const struct dlq *dlq, const struct choice *choice);

/* Nothing is asked any more; what was read stays. */
void dlq_disconnect(struct dlq *dlq);
/* What is in hand is visible again afterwards. */
void dlq_close(struct dlq *dlq);

ctl_fn dlq_list;
ctl_fn dlq_show;
ctl_fn dlq_redrive;
ctl_fn dlq_purge;
ctl_fn dlq_replay;
