/*
 * The part of conf/check that looks at [retry] and at the sections of jobs: what a kind takes and
 * needs, and what follows from its kind or from settings that hold for all types.
 */
#pragma once

#include "conf/report.h"
#include "conf/settings.h"

/*
 * Completes the section and reports what is wrong in it. settings: what holds for all types, of
 * which it is a part. 0, also where there were problems, or -ENOMEM.
 */
int check_job(const struct settings *settings, struct settings_job *job, struct report *report);

/* The pauses that hold for all types. */
void check_job_retry(const struct settings *settings, struct report *report);
