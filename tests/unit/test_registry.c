#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "handler/echo.h"
#include "handler/registry.h"

static struct registry *registry;

static void setup(void)
{
	ck_assert_int_eq(registry_new(&registry), 0);
}

static void teardown(void)
{
	registry = registry_free(registry);
	ck_assert_ptr_null(registry);
}

static unsigned n_freed;

static void count_free(struct handler *handler)
{
	(void)handler;
	n_freed++;
}

#define CONFIGURE(...)                                                                             \
	do {                                                                                       \
		const struct registry_type types[] = {__VA_ARGS__};                                \
		ck_assert_int_eq(registry_configure(registry, types, N_OF(types)), 0);             \
	} while (0)

START_TEST(a_builtin_is_found_by_its_whole_name)
{
	struct handler *echo = registry_builtin("test-echo");

	ck_assert_ptr_nonnull(echo);
	ck_assert_str_eq(echo->name, "test-echo");
	ck_assert(echo->run == echo_run);
	ck_assert_ptr_null(registry_builtin("test-ech"));
	ck_assert_ptr_null(registry_builtin("Test-Echo"));
	ck_assert_ptr_null(registry_builtin(""));
}
END_TEST

START_TEST(every_type_has_an_entry_its_own_or_that_of_all_others)
{
	CONFIGURE({"send-mail", NULL, 5, 2, 3, 60, false}, {"*", NULL, 30, 0, 4, 80, false});
	struct registry_entry *mail = registry_find(registry, "send-mail");
	struct registry_entry *other = registry_find(registry, "unknown");

	ck_assert_str_eq(mail->type, "send-mail");
	ck_assert_uint_eq(mail->timeout, 5);
	ck_assert_uint_eq(mail->max_concurrency, 2);
	ck_assert_uint_eq(mail->base_delay, 3);
	ck_assert_uint_eq(mail->max_delay, 60);
	ck_assert_str_eq(other->type, "*");
	ck_assert_uint_eq(other->timeout, 30);
	ck_assert_uint_eq(other->base_delay, 4);
	ck_assert_uint_eq(other->max_delay, 80);
	ck_assert_ptr_null(other->handler);
	ck_assert_ptr_eq(registry_find(registry, "*"), other);
	ck_assert_ptr_eq(registry_find(registry, ""), other);
}
END_TEST

START_TEST(test_echo_is_there_without_being_named)
{
	CONFIGURE({"*", NULL, 30, 4, 0, 0, false});
	struct registry_entry *echo = registry_find(registry, "test-echo");

	ck_assert_str_eq(echo->type, "test-echo");
	ck_assert_ptr_eq(echo->handler, registry_builtin("test-echo"));
	ck_assert_uint_eq(echo->timeout, 30);
	ck_assert_uint_eq(echo->max_concurrency, 4);
}
END_TEST

START_TEST(test_echo_may_have_limits_of_its_own)
{
	CONFIGURE({"test-echo", registry_builtin("test-echo"), 7, 1, 0, 0, false},
		{"*", NULL, 30, 4, 0, 0, false});
	struct registry_entry *echo = registry_find(registry, "test-echo");

	ck_assert_uint_eq(echo->timeout, 7);
	ck_assert_uint_eq(echo->max_concurrency, 1);
	ck_assert_ptr_nonnull(echo->handler);
}
END_TEST

START_TEST(who_keeps_the_row_is_said_for_each_type_and_not_by_test_echo)
{
	CONFIGURE({.type = "resize", .keeps_row = true}, {.type = "mail"},
		{.type = "*", .keeps_row = true});
	ck_assert(registry_find(registry, "resize")->keeps_row);
	ck_assert(!registry_find(registry, "mail")->keeps_row);
	ck_assert(registry_find(registry, "unknown")->keeps_row);
	ck_assert(!registry_find(registry, "test-echo")->keeps_row);

	CONFIGURE({.type = "*"});
	ck_assert(!registry_find(registry, "resize")->keeps_row);
}
END_TEST

START_TEST(names_are_copied)
{
	char name[] = "send-mail";

	CONFIGURE({name, NULL, 5, 2, 0, 0, false}, {"*", NULL, 30, 0, 0, 0, false});
	memset(name, 'X', sizeof name - 1);
	ck_assert_uint_eq(registry_find(registry, "send-mail")->timeout, 5);
}
END_TEST

START_TEST(a_reload_changes_entries_in_place_and_keeps_what_is_counted)
{
	CONFIGURE({"a", NULL, 1, 1, 0, 0, false}, {"*", NULL, 30, 0, 0, 0, false});
	struct registry_entry *a = registry_find(registry, "a");
	struct registry_entry *others = registry_find(registry, "b");
	a->n_begun = 5;

	CONFIGURE({"b", NULL, 2, 2, 0, 0, false}, {"a", NULL, 9, 3, 0, 0, false},
		{"*", NULL, 40, 1, 0, 0, false});
	ck_assert_ptr_eq(registry_find(registry, "a"), a);
	ck_assert_uint_eq(a->n_begun, 5);
	ck_assert_uint_eq(a->timeout, 9);
	ck_assert_uint_eq(a->max_concurrency, 3);
	ck_assert_ptr_ne(registry_find(registry, "b"), others);
	ck_assert_uint_eq(others->timeout, 40);
}
END_TEST

START_TEST(a_type_that_is_no_longer_named_falls_under_all_others)
{
	CONFIGURE({"a", NULL, 1, 1, 0, 0, false}, {"*", NULL, 30, 0, 0, 0, false});
	struct registry_entry *a = registry_find(registry, "a");

	CONFIGURE({"*", NULL, 40, 2, 0, 0, false});
	ck_assert_ptr_eq(registry_find(registry, "a"), a);
	ck_assert_uint_eq(a->timeout, 40);
	ck_assert_uint_eq(a->max_concurrency, 2);
}
END_TEST

START_TEST(a_handler_lives_as_long_as_somebody_has_a_share_of_it)
{
	struct handler mail = {.name = "mail", .free = count_free, .n_refs = 1};

	n_freed = 0;
	CONFIGURE({"send-mail", &mail, 5, 2, 0, 0, false}, {"*", NULL, 30, 0, 0, 0, false});
	struct handler *job = handler_ref(registry_find(registry, "send-mail")->handler);
	CONFIGURE({"*", NULL, 30, 0, 0, 0, false});
	handler_unref(&mail);
	ck_assert_uint_eq(n_freed, 0);
	handler_unref(job);
	ck_assert_uint_eq(n_freed, 1);
}
END_TEST

START_TEST(envelopes_are_wanted_as_long_as_some_handler_wants_them)
{
	struct handler mail = {.name = "mail", .free = count_free, .n_refs = 1};
	struct handler service = mail;

	service.wants_envelope = true;
	CONFIGURE({"send-mail", &mail, 5, 2, 0, 0, false}, {"call", &service, 5, 2, 0, 0, false},
		{"*", NULL, 30, 0, 0, 0, false});
	ck_assert(registry_wants_envelopes(registry));
	ck_assert(registry_entry_wants_envelopes(registry_find(registry, "call")));
	ck_assert(!registry_entry_wants_envelopes(registry_find(registry, "send-mail")));
	ck_assert(!registry_entry_wants_envelopes(registry_find(registry, "other")));

	CONFIGURE({"send-mail", &mail, 5, 2, 0, 0, false}, {"*", NULL, 30, 0, 0, 0, false});
	ck_assert(!registry_wants_envelopes(registry));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registry");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_builtin_is_found_by_its_whole_name);
	tcase_add_test(all, every_type_has_an_entry_its_own_or_that_of_all_others);
	tcase_add_test(all, test_echo_is_there_without_being_named);
	tcase_add_test(all, test_echo_may_have_limits_of_its_own);
	tcase_add_test(all, who_keeps_the_row_is_said_for_each_type_and_not_by_test_echo);
	tcase_add_test(all, names_are_copied);
	tcase_add_test(all, a_reload_changes_entries_in_place_and_keeps_what_is_counted);
	tcase_add_test(all, a_type_that_is_no_longer_named_falls_under_all_others);
	tcase_add_test(all, a_handler_lives_as_long_as_somebody_has_a_share_of_it);
	tcase_add_test(all, envelopes_are_wanted_as_long_as_some_handler_wants_them);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}
