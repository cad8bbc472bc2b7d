/*
 * What no single value shows: settings that are missing, that follow from others, or that do not
 * go together. Completes settings (region, endpoint, what types have from all); afterwards they
 * are either whole, or the report says why not.
 */
#pragma once

#include "conf/report.h"
#include "conf/settings.h"

/* 0, also where there were problems, or -ENOMEM. */
int check_settings(
	const struct settings_request *request, struct settings *settings, struct report *report);
