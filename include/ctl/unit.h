/*
 * Which of systemd's units a configuration is that of: /etc/nexus-worker/NAME.conf belongs to the
 * instance nexus-worker@NAME.service; nexus-worker.conf there, and what lies elsewhere, to
 * nexus-worker.service.
 */
#pragma once

#include <limits.h>

struct unit {
	char name[NAME_MAX];              /* without ".service" */
	char runtime_directory[NAME_MAX]; /* where that unit's daemon has it */
};

/* config: --config; NULL: the usual one. */
void unit_of(const char *config, struct unit *ret);
