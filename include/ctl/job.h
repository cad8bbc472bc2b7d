/*
 * The commands of nexusctl job; each has a file of its own, job_NAME.c.
 */
#pragma once

#include "ctl/ctl.h"
#include "ctl/desk.h"
#include "ctl/row.h"

ctl_fn job_list;
ctl_fn job_retry;
ctl_fn job_show;
ctl_fn job_wait;

/* One job, and how many dead letters are looked at for its message. */
struct job_choice {
	const char *id;
	unsigned long limit;
};

/* 0 or 64. */
int job_parse(const char *command, int argc, char **argv, struct job_choice *ret);

/* ret: points into ret_result, which is owned. 0, or 1: there is no such row, or it failed. */
int job_find(struct desk *desk, const char *id, PGresult **ret_result, struct row *ret);
