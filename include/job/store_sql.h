/*
 * The job table's SQL and its parameters. Only for job/store.
 *
 * Every statement takes arrays and answers with the number of the element that a row came from.
 * Rows are locked by a materialized SKIP LOCKED, which the primary key serves at any table size;
 * what is to be done is decided on the locked versions, joined to the per-row values, and done at
 * their place. A row that changed since the statement began is found at no place, and asked again.
 */
#pragma once

#include <stddef.h>

#include "base/strbuf.h"
#include "job/store.h"

#define STORE_PARAMETERS_MAX 7

/* One statement's parameters in Postgres' binary form; the memory is used again and again. */
struct store_parameters {
	int n;
	int error; /* negative errno: the statement must not be sent */
	unsigned types[STORE_PARAMETERS_MAX];
	const char *values[STORE_PARAMETERS_MAX];
	int lengths[STORE_PARAMETERS_MAX];
	int formats[STORE_PARAMETERS_MAX];
	struct strbuf bytes[STORE_PARAMETERS_MAX];
};

extern const char store_sql_settings[]; /* of one transaction */
extern const char store_sql_time[];
extern const char store_sql_statuses[];                  /* fails if one is missing; no answer */
extern const char *const store_sql_steps[STORE_N_STEPS]; /* answer: number, attempts */
extern const char store_sql_look[]; /* answer: number, type, status, attempts, fence, lease left */
extern const char store_sql_refuse[];

/* The status that a finished job's row gets. */
const char *store_sql_status(enum job_outcome outcome);

void store_parameters_init(struct store_parameters *p);
void store_parameters_done(struct store_parameters *p);

/* Each fills in one statement's; what went wrong is in p->error. */
void store_parameters_settings(struct store_parameters *p, usec_t statement_timeout);
void store_parameters_step(
	struct store_parameters *p, enum store_step step, const struct store_turn *turn);
void store_parameters_look(
	struct store_parameters *p, const struct store_ask *asks, size_t n_asks, usec_t lease);
void store_parameters_refuse(
	struct store_parameters *p, const struct store_ask *ask, const char *text);
