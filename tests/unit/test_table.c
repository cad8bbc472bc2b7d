#include <check.h>
#include <stdio.h>

#include "../support/test_suite.h"
#include "base/cleanup.h"
#include "base/table.h"

#define N_THINGS 5000

struct thing {
	struct table_entry entry;
	char name[16];
};

static struct thing things[N_THINGS];
static struct table table;

static void setup(void)
{
	ck_assert_int_eq(table_init(&table), 0);
	for (unsigned i = 0; i < N_THINGS; i++)
		snprintf(things[i].name, sizeof things[i].name, "thing-%u", i);
}

static void teardown(void)
{
	table_done(&table);
}

static void add(unsigned i)
{
	table_add(&table, &things[i].entry, things[i].name);
}

START_TEST(an_empty_table_finds_nothing)
{
	ck_assert_ptr_null(table_find(&table, "thing-0"));
	ck_assert_ptr_null(table_find(&table, ""));
	ck_assert_uint_eq(table.n_entries, 0);
}
END_TEST

START_TEST(what_was_added_is_found_by_equal_text)
{
	char name[16];

	for (unsigned i = 0; i < N_THINGS; i++)
		add(i);
	ck_assert_uint_eq(table.n_entries, N_THINGS);
	for (unsigned i = 0; i < N_THINGS; i++) {
		snprintf(name, sizeof name, "thing-%u", i);
		ck_assert_ptr_eq(table_find(&table, name), &things[i].entry);
	}
	ck_assert_ptr_null(table_find(&table, "thing-5000"));
}
END_TEST

START_TEST(it_grows_with_what_is_in_it)
{
	size_t before = table.n_buckets;

	for (unsigned i = 0; i < N_THINGS; i++)
		add(i);
	ck_assert_uint_gt(table.n_buckets, before);
	ck_assert_uint_ge(table.n_buckets, N_THINGS / 2);
	ck_assert_uint_eq(table.n_buckets & (table.n_buckets - 1), 0);
}
END_TEST

START_TEST(what_was_removed_is_gone_and_its_neighbours_stay)
{
	for (unsigned i = 0; i < N_THINGS; i++)
		add(i);
	for (unsigned i = 0; i < N_THINGS; i += 2)
		table_remove(&table, &things[i].entry);
	ck_assert_uint_eq(table.n_entries, N_THINGS / 2);
	for (unsigned i = 0; i < N_THINGS; i++)
		ck_assert_ptr_eq(
			table_find(&table, things[i].name), i % 2 == 0 ? NULL : &things[i].entry);
	add(0);
	ck_assert_ptr_eq(table_find(&table, "thing-0"), &things[0].entry);
}
END_TEST

START_TEST(two_tables_scatter_the_same_keys_differently)
{
	struct table_entry other_entry;
	struct table other;
	unsigned n_same = 0;

	ck_assert_int_eq(table_init(&other), 0);
	for (unsigned i = 0; i < 64; i++) {
		add(i);
		table_add(&other, &other_entry, things[i].name);
		n_same += things[i].entry.hash == other_entry.hash;
		table_remove(&other, &other_entry);
	}
	ck_assert_uint_eq(n_same, 0);
	table_done(&other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, an_empty_table_finds_nothing);
	tcase_add_test(all, what_was_added_is_found_by_equal_text);
	tcase_add_test(all, it_grows_with_what_is_in_it);
	tcase_add_test(all, what_was_removed_is_gone_and_its_neighbours_stay);
	tcase_add_test(all, two_tables_scatter_the_same_keys_differently);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}
