/*
 * How Postgres finds the rows: by the primary key, whether the table has ten of them or a million,
 * and whether or not it has statistics. The million is for `make check-long` (NEXUS_LONG).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_job.h"
#include "../support/test_postgres.h"
#include "../support/test_suite.h"
#include "job/store_sql.h"

#define N_ASKED 200

static struct store_ask asks[N_ASKED];
static struct store_turn turn;
static struct store_parameters parameters;
static char plan[1 << 16];

static void setup(void)
{
	char id[16];

	test_postgres_clean();
	store_parameters_init(&parameters);
	turn = (struct store_turn){.lease = USEC_PER_MIN, .may_take_over = true};
	for (int i = 0; i < N_ASKED; i++) {
		snprintf(id, sizeof id, "j%d", i * 7);
		asks[i].job = test_job_new(id, "test-echo", "{}");
		asks[i].job->keeps_row = i % 2;
	}
	for (enum store_step step = 0; step < STORE_N_STEPS; step++)
		turn.steps[step] = (struct store_asks){asks, N_ASKED};
}

static void teardown(void)
{
	store_parameters_done(&parameters);
	for (int i = 0; i < N_ASKED; i++)
		test_job_free(asks[i].job);
}

static PGresult *run(PGconn *conn, const char *sql)
{
	const struct store_parameters *p = &parameters;

	ck_assert_int_eq(p->error, 0);
	PGresult *result =
		PQexecParams(conn, sql, p->n, p->types, p->values, p->lengths, p->formats, 0);
	ck_assert_msg(
		PQresultStatus(result) == PGRES_TUPLES_OK, "%s: %s", sql, PQerrorMessage(conn));
	return result;
}

/* With the settings that a turn has, and its parameters. */
static const char *explain(const char *sql)
{
	PGconn *conn = test_postgres_connect();
	char asked[4096];
	size_t len = 0;

	test_postgres_execute(conn, "BEGIN");
	struct store_parameters kept = parameters;
	store_parameters_init(&parameters);
	store_parameters_settings(&parameters, USEC_PER_MIN);
	PQclear(run(conn, store_sql_settings));
	store_parameters_done(&parameters);
	parameters = kept;

	snprintf(asked, sizeof asked, "EXPLAIN %s", sql);
	PGresult *result = run(conn, asked);
	for (int row = 0; row < PQntuples(result); row++)
		len += (size_t)snprintf(
			plan + len, sizeof plan - len, "%s\n", PQgetvalue(result, row, 0));
	PQclear(result);
	PQfinish(conn);
	return plan;
}

static void assert_primary_key(const char *what)
{
	ck_assert_msg(strstr(plan, "background_jobs_pkey"), "%s:\n%s", what, plan);
	ck_assert_msg(!strstr(plan, "Seq Scan on background_jobs"), "%s:\n%s", what, plan);
	ck_assert_msg(!strstr(plan, "status_created_at"), "%s:\n%s", what, plan);
	ck_assert_msg(!strstr(plan, "JIT"), "%s:\n%s", what, plan);
}

static void assert_all_by_primary_key(void)
{
	static const char *const names[] = {"touch", "finish", "begin"};

	for (enum store_step step = 0; step < STORE_N_STEPS; step++) {
		store_parameters_step(&parameters, step, &turn);
		explain(store_sql_steps[step]);
		assert_primary_key(names[step]);
	}
	store_parameters_look(&parameters, asks, N_ASKED, turn.lease);
	explain(store_sql_look);
	assert_primary_key("look");
	store_parameters_refuse(&parameters, asks, "no");
	explain(store_sql_refuse);
	assert_primary_key("refuse");
}

/* Mostly completed, as a table is that has served for a while. */
static void fill(unsigned n)
{
	test_postgres_execute(NULL,
		"ALTER TABLE background_jobs DROP CONSTRAINT background_jobs_pkey;"
		"DROP INDEX background_jobs_status_created_at_idx;"
		"INSERT INTO background_jobs (id, type, payload, status) SELECT 'j' || n,"
		" 'test-echo', '{}', CASE WHEN n %% 1000 = 0 THEN 'pending' WHEN n %% 1000 = 1 THEN"
		" 'processing' ELSE 'completed' END::job_status FROM generate_series(1, %u) AS n;"
		"ALTER TABLE background_jobs ADD PRIMARY KEY (id);"
		"CREATE INDEX ON background_jobs (status, created_at)",
		n);
}

START_TEST(an_empty_table_is_read_by_its_primary_key)
{
	assert_all_by_primary_key();
	test_postgres_execute(NULL, "ANALYZE background_jobs");
	assert_all_by_primary_key();
}
END_TEST

START_TEST(ten_rows_are_found_by_the_primary_key)
{
	fill(10);
	assert_all_by_primary_key();
	test_postgres_execute(NULL, "ANALYZE background_jobs");
	assert_all_by_primary_key();
}
END_TEST

START_TEST(rows_among_many_are_found_by_the_primary_key)
{
	fill(getenv("NEXUS_LONG") ? 1000000 : 50000);
	assert_all_by_primary_key();
	test_postgres_execute(NULL, "ANALYZE background_jobs");
	assert_all_by_primary_key();
}
END_TEST

int main(void)
{
	test_postgres_start();
	Suite *suite = suite_create("plans");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, an_empty_table_is_read_by_its_primary_key);
	tcase_add_test(all, ten_rows_are_found_by_the_primary_key);
	tcase_add_test(all, rows_among_many_are_found_by_the_primary_key);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}
