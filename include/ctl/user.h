/*
 * Whose rights handlers are run with: the daemon's user's. What root starts here takes that
 * user's identity for good, before a line of the bundle or program is run.
 */
#pragma once

#define USER_USUAL    "nexus-worker"
#define USER_TEXT_MAX 256

/*
 * As root: becomes the user of that name (NULL: USER_USUAL), with its groups. Otherwise does
 * nothing, and refuses a name that is not ours. 0, or a negative errno and one line.
 */
int user_become(const char *name, char ret_text[static USER_TEXT_MAX]);
