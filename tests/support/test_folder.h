/*
 * A folder of a test's own, and files in it. One at a time. Functions fail the test rather than to
 * return an error.
 */
#pragma once

#include <stddef.h>

/* Makes it below /tmp and goes there; its path, borrowed until it is left. */
const char *test_folder_enter(void);
/* Goes back, and removes it with all that is in it. */
void test_folder_leave(void);

/* The file is this text then, whatever it was. */
void test_write(const char *path, const char *text);
/* Likewise, bytes. */
void test_write_bytes(const char *path, const char *bytes, size_t len);
/* Likewise, a text that can be run. */
void test_write_program(const char *path, const char *text);
