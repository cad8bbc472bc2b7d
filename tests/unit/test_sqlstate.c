#include <check.h>
#include <string.h>

#include "../support/test_suite.h"
#include "job/sqlstate.h"

START_TEST(codes_have_their_class)
{
	static const struct {
		const char *sqlstate;
		enum sqlstate_class class;
	} cases[] = {
		/* Goes by itself. */
		{NULL, SQLSTATE_TRANSIENT}, {"", SQLSTATE_TRANSIENT},
		{"08006", SQLSTATE_TRANSIENT}, /* connection_failure */
		{"08P01", SQLSTATE_TRANSIENT}, /* whatever PgBouncer says */
		{"25006", SQLSTATE_TRANSIENT}, /* read_only_sql_transaction */
		{"40001", SQLSTATE_TRANSIENT}, /* serialization_failure */
		{"40P01", SQLSTATE_TRANSIENT}, /* deadlock_detected */
		{"53100", SQLSTATE_TRANSIENT}, /* disk_full */
		{"53300", SQLSTATE_TRANSIENT}, /* too_many_connections */
		{"55P03", SQLSTATE_TRANSIENT}, /* lock_not_available */
		{"57014", SQLSTATE_TRANSIENT}, /* query_canceled: statement_timeout */
		{"57P01", SQLSTATE_TRANSIENT}, /* admin_shutdown */
		{"57P03", SQLSTATE_TRANSIENT}, /* cannot_connect_now */
		{"58030", SQLSTATE_TRANSIENT}, /* io_error */
		{"XX000", SQLSTATE_TRANSIENT}, /* internal_error */
		{"ZZZZZ", SQLSTATE_TRANSIENT},
		/* Somebody has to do something. */
		{"28000", SQLSTATE_SETUP}, {"28P01", SQLSTATE_SETUP}, {"3D000", SQLSTATE_SETUP},
		{"3F000", SQLSTATE_SETUP}, {"42501", SQLSTATE_SETUP}, {"42703", SQLSTATE_SETUP},
		{"42804", SQLSTATE_SETUP}, {"42704", SQLSTATE_SETUP}, {"42P01", SQLSTATE_SETUP},
		/* These very values. */
		{"22001", SQLSTATE_DATA}, /* string_data_right_truncation */
		{"22P02", SQLSTATE_DATA}, /* invalid_text_representation */
		{"22P05", SQLSTATE_DATA}, /* untranslatable_character */
		{"23502", SQLSTATE_DATA}, /* not_null_violation */
		{"23514", SQLSTATE_DATA}, /* check_violation */
		{"54000", SQLSTATE_DATA}, /* program_limit_exceeded */
		{"P0001", SQLSTATE_DATA}, /* raise_exception */
	};

	for (size_t i = 0; i < N_OF(cases); i++)
		ck_assert_msg(sqlstate_classify(cases[i].sqlstate) == cases[i].class, "%s",
			cases[i].sqlstate);
}
END_TEST

START_TEST(what_somebody_has_to_do_is_said)
{
	static const struct {
		const char *sqlstate, *word;
	} cases[] = {
		{"28P01", "password"},
		{"28000", "pg_hba.conf"},
		{"3D000", "database's name"},
		{"42P01", "create the table"},
		{"42501", "grant SELECT and UPDATE on background_jobs, and USAGE"},
		{"42703", "add the column"},
		{"42704", "create the enum job_status"},
		{"22P02", "the enum job_status needs"},
		{"42804", "not as documented"},
		{"3F000", "search_path"},
		{"53300", "max_connections"},
		{"53100", "disk"},
		{"25006", "the primary"},
		{"57014", "locks"},
		{"57P01", "start the server"},
		{"57P04", "name"},
		{"57P05", "idle_session_timeout"},
		{"08P01", "PgBouncer"},
	};

	for (size_t i = 0; i < N_OF(cases); i++)
		ck_assert_msg(strstr(sqlstate_cure(cases[i].sqlstate), cases[i].word), "%s: %s",
			cases[i].sqlstate, sqlstate_cure(cases[i].sqlstate));
}
END_TEST

START_TEST(where_postgres_says_enough_nothing_is_added)
{
	static const char *const sqlstates[] = {NULL, "", "40001", "22001", "P0001"};

	for (size_t i = 0; i < N_OF(sqlstates); i++)
		ck_assert_str_eq(sqlstate_cure(sqlstates[i]), "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sqlstate");
	TCase *all = tcase_create("all");

	tcase_add_test(all, codes_have_their_class);
	tcase_add_test(all, what_somebody_has_to_do_is_said);
	tcase_add_test(all, where_postgres_says_enough_nothing_is_added);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}
