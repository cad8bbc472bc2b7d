/*
 * The key table as people read it. What these write is kept in the tree (conf/nexus-worker.conf,
 * the table in docs/settings.md, and the list in man/nexus-worker.conf.5), and a test compares, so
 * that none can tell of a key that is not there, or not tell of one that is.
 */
#pragma once

#include "base/strbuf.h"

/* The commented sample of a configuration file, in which everything is the default. */
void document_sample(struct strbuf *out);

/* A Markdown table: key, names in the environment, default, meaning. */
void document_table(struct strbuf *out);

/* Their list in mdoc(7), for the manual page. */
void document_manual(struct strbuf *out);
