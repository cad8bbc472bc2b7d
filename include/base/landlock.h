/*
 * Hides files and directories from programs that are started (Landlock, Linux 5.19), and keeps them
 * from the processes of their user that they did not start.
 *
 * Landlock knows only what is allowed, so a ruleset allows all that lies beside the hidden paths
 * on the way down to them: with /etc/nexus-worker hidden, every entry of / but etc and every entry
 * of /etc but nexus-worker. What is refused is reading, writing and executing files, moving or
 * linking files between directories of different views, and in the directories along the way
 * themselves removing or renaming anything; from Linux 6.2 on also cutting files short by name. The
 * names in a directory can still be listed, what the user owns gets other modes and times, files
 * that hold nothing (pipes, links) can be made beside the hidden ones, and what is not in a file is
 * not its business: sockets can be connected to. A symbolic link does not help past it; another
 * mount of the same files does. What stands beside a hidden path in a directory
 * that we may not list is hidden with it.
 *
 * Each program that is started is in a domain of its own. It cannot look into processes outside of
 * it (ptrace(2) and what of /proc/PID asks for as much), and from Linux 6.12 on neither send
 * them signals nor connect to their abstract sockets. Before that, one who has our user can kill
 * us.
 *
 * A ruleset knows the files that were there: one that comes to be in a directory along the way
 * itself (not below one beside it), or replaces another there (/etc/resolv.conf), is hidden too.
 * So it is made anew when such a directory has changed, which costs a stat() each; a program that
 * runs keeps the view that it was started with. File systems mounted later onto a directory
 * along the way or beside it are not noticed.
 *
 * Owns: one ruleset, and a lock around it. Any thread may ask.
 */
#pragma once

#include "base/cleanup.h"

struct landlock;

/*
 * hidden: absolute paths, ended by a NULL; symbolic links in them are followed. What does not exist
 * is hidden once it does. sealed: the same of what can be read, but not written, executed, moved
 * or removed; NULL: none. 0; -EOPNOTSUPP: the kernel has no Landlock, or one that would refuse
 * to move files at all (before 5.19); or the negative errno of what failed, -EPERM where system
 * calls are filtered.
 */
int landlock_new(const char *const *hidden, const char *const *sealed, struct landlock **ret);
struct landlock *landlock_free(struct landlock *landlock);
DEFINE_CLEANUP(struct landlock *, landlock_free)

/* Returns owned: a descriptor of the ruleset as of now, for spawn_start(). Or a negative errno. */
int landlock_ruleset(struct landlock *landlock);
