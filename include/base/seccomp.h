/*
 * Keeps a program that is not trusted from the limits of other processes of its user (prlimit(2)):
 * those are no signals, so Landlock does not mind, and one whose descriptors or CPU time somebody
 * has taken away is as good as dead. Its own it may lower as it likes.
 */
#pragma once

/*
 * For this thread and whatever it executes or starts from now on, which must have set
 * PR_SET_NO_NEW_PRIVS; async-signal-safe. 0, also where the kernel cannot or the processor is one
 * whose calls are not known here; or a negative errno.
 */
int seccomp_keep_to_own_limits(void);
