/*
 * The versions of a bundle on disk. Where the configuration says
 *
 *     bundle = /srv/nexus/thumbnails
 *
 * that name is a link to the version that runs, and the versions lie beside it:
 *
 *     /srv/nexus/thumbnails -> thumbnails.versions/20260102T030405Z
 *     /srv/nexus/thumbnails.versions/20260102T030405Z/
 *     /srv/nexus/thumbnails.versions/20251231T120000Z/
 *
 * The link is switched by one atomic rename: whoever looks sees the old version or the new one,
 * whole. A directory that somebody put there by hand is exchanged for the link in the same way, and
 * becomes a version. Versions are named by the time at which they came, so that names sort by age.
 *
 * One process at a time changes them (a lock on the folder). Blocks. Texts are one line each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/cleanup.h"

#define VERSIONS_KEPT     3
#define VERSIONS_NAME_MAX 32
#define VERSIONS_TEXT_MAX 512

struct versions;

/*
 * make: the folder is made if it is not there, and locked; the directory above must be there.
 * Otherwise what there is is looked at, and nothing need be there. 0, or a negative errno and a
 * text; -EBUSY: another process changes them; -EPERM: we are root, and others can change
 * what lies on the way there, who could then choose what is written and removed.
 */
int versions_open(const char *bundle, bool make, struct versions **ret,
	char ret_text[static VERSIONS_TEXT_MAX]);
/* A folder that was staged and not kept is removed. Returns NULL. */
struct versions *versions_close(struct versions *versions);
DEFINE_CLEANUP(struct versions *, versions_close)

/* "FOLDER.versions"; borrowed. */
const char *versions_folder(const struct versions *versions);

/* The version that the link names; "": there is none, or no link. */
const char *versions_current(const struct versions *versions);
/* Since when: CLOCK_REALTIME; 0: there is no link. */
time_t versions_since(const struct versions *versions);
/* The newest version older than the current one; NULL: there is none. Borrowed. */
const char *versions_previous(const struct versions *versions);
/* Names, the newest first; borrowed until the next change. */
size_t versions_list(const struct versions *versions, const char *const **ret);
/* Bytes of all files in it. */
uint64_t versions_size(const struct versions *versions, const char *name);

/* A new empty folder for the next version. ret_fd: owned. ret_path: borrowed. */
int versions_stage(struct versions *versions, int *ret_fd, const char **ret_path,
	char ret_text[static VERSIONS_TEXT_MAX]);
/* What was staged becomes a version, durably. ret_name: borrowed. */
int versions_keep(
	struct versions *versions, const char **ret_name, char ret_text[static VERSIONS_TEXT_MAX]);
/* Lets the link name that version from now on. */
int versions_switch(
	struct versions *versions, const char *name, char ret_text[static VERSIONS_TEXT_MAX]);
/* Removes the oldest beyond VERSIONS_KEPT, but never the current one, nor such as are in use. */
int versions_prune(struct versions *versions, bool (*in_use)(void *userdata, const char *path),
	void *userdata, char ret_text[static VERSIONS_TEXT_MAX]);
