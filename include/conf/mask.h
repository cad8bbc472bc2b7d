/*
 * A database URL for people to see: whatever may be a password in it is replaced by "***". Takes
 * URLs and the keyword form ("host=… password=…"), and hides too much rather than too little of
 * what it cannot make out. Pure.
 */
#pragma once

#include "base/strbuf.h"

void mask_database_url(const char *url, struct strbuf *out);
