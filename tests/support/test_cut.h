/*
 * A wire to the private Postgres that can be cut just when an answer to COMMIT comes: the
 * transaction is durable then, and who asked for it never learns.
 *
 * Owns a Unix socket in a directory of its own, and a thread that carries bytes. One connection at
 * a time. Functions fail the test rather than to return an error.
 */
#pragma once

#include "base/cleanup.h"

struct test_cut;

struct test_cut *test_cut_new(void);
/* Returns NULL. */
struct test_cut *test_cut_free(struct test_cut *cut);
DEFINE_CLEANUP(struct test_cut *, test_cut_free)

/* As test_postgres_url(), by way of the wire; owned by the caller. */
char *test_cut_url(const struct test_cut *cut);

/* The next answer to a COMMIT cuts the wire; the connection after that is carried again. */
void test_cut_at_commit(struct test_cut *cut);
/* How often it was cut. */
unsigned test_cut_n(const struct test_cut *cut);
