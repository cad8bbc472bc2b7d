/*
 * Values for people to see: whatever may be a secret in them is replaced by MASK. Pure.
 */
#pragma once

#include "base/strbuf.h"

#define MASK "***"

/*
 * A database's URL, or the keyword form ("host=… password=…"), without its passwords and what else
 * proves who asks. Hides too much rather than too little of what it cannot make out.
 */
void mask_database_url(const char *url, struct strbuf *out);

/* A service's URL, without its query. */
void mask_service_url(const char *url, struct strbuf *out);
