/*
 * Who is at the other end of a TCP connection on this machine's loopback.
 *
 * The kernel (sock_diag(7), by the exact addresses and ports) tells the socket's user and inode;
 * whoever has that inode among the descriptors in /proc/PID/fd has the socket. So this sees what
 * our user may see: processes of that user that can be dumped. Nothing of it can be forged by the
 * other end, but a process may hand a socket of its own to another one.
 *
 * Takes a few system calls where the likely process has it, and a walk through the processes of our
 * user where not: about a millisecond for a hundred of them, and in a second never more than a
 * fraction of it. Loop thread.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * The session of the process that has the client's end of a connection to 127.0.0.1 or ::1, in the
 * family of its address, at our_port. spawn_start() gives every program of ours a session of its
 * own: so that is the id of the program that was started, also for those that it started in its
 * turn, as long as they do not leave its session.
 *
 * likely: a process to look at first; 0: none. 0, -EPERM (the socket is another user's), -ENOENT
 * (nobody has it any more, or nobody that can be seen), -EBUSY (there were too many to look for in
 * this second), -EAFNOSUPPORT, or another negative errno.
 */
int peer_session(
	const struct sockaddr *client, uint16_t our_port, pid_t likely, pid_t *ret_session);

/* The parent of a process; -ENOENT: there is no such process, or it cannot be seen. */
int peer_parent(pid_t pid, pid_t *ret_parent);
