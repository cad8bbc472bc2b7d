/*
 * What can be seen to be wrong with a section's program before it is ever started. Any thread;
 * blocks as the file system does. Looks as the user that it runs as: what the daemon's own may do
 * can differ.
 */
#pragma once

#include "base/strbuf.h"
#include "handler/child.h"

/*
 * Appends one line for each mistake, which begins with the key ("program: /x/y: No such file or
 * directory") and quotes nothing that may be secret. How many lines; or a negative errno.
 */
int child_check(const struct child_settings *settings, struct strbuf *problems);

/*
 * To be put behind what is wrong with a path, or "": that it cannot be seen may be since it lies
 * where our units hide what is there (ProtectHome=, PrivateTmp=), and ls shows it all the same.
 */
const char *child_check_hidden(const char *path);
