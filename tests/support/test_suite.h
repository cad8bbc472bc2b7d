/*
 * The suite of a program in tests/unit: what its main() ends with, and the folders of cases that
 * some suites go through.
 */
#pragma once

#include <check.h>

/* How many an array has, as a loop test takes it. */
#define N_OF(array) ((int)(sizeof(array) / sizeof *(array)))

/* Takes the suite; returns what main() does. */
int test_suite_run(Suite *suite);

/* How many folders of cases are in this one; without any the program ends. Called once. */
int test_suite_find_cases(const char *folder);
/* The name of one, in the order of their names; borrowed. */
const char *test_suite_case(int i);
