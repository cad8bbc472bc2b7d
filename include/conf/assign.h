/*
 * One value as it was given, read into its key's field; what cannot be read becomes a line of the
 * report, with the place where it stands, what is wrong and what is accepted.
 */
#pragma once

#include "conf/keys.h"
#include "conf/report.h"

struct assign_value {
	const char *from;  /* "FILE:LINE", "environment NAME", "--option" */
	const char *shown; /* the key as a message names it behind from; NULL: from is enough */
	const char *text;  /* empty: the default */
};

/*
 * base: as for keys_read(), with its origins. A value that cannot be read leaves the field alone.
 * 0, also where there was a problem, or -ENOMEM.
 */
int assign(const struct key *key, void *base, char **origins, const struct assign_value *value,
	struct report *report);

/* Every key of one section's kind (struct settings, or a struct settings_job) gets its default. */
int assign_fallbacks(void *base, bool of_job);
