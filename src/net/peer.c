#include "net/peer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* Who opens very many descriptors, or connects again and again, cannot hold us up: so many are
 * looked at, of all processes together, and for so much of the thread's time in a second. */
#define DESCRIPTORS_MAX 65536
#define LOOKING_MAX     (250 * USEC_PER_MSEC)

/* An inode and a PID have fewer digits. */
#define NAME_MAX_LEN 32

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* ---- The kernel's word about a socket ---- */

/* As the kernel keeps addresses: IPv4's in the first word. */
static int diag_id(const struct sockaddr *client, uint16_t our_port, struct inet_diag_sockid *ret)
{
	struct inet_diag_sockid id = {
		.idiag_dport = htons(our_port),
		.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE},
	};

	if (client->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)client;

		id.idiag_sport = in->sin_port;
		id.idiag_src[0] = in->sin_addr.s_addr;
		id.idiag_dst[0] = htonl(INADDR_LOOPBACK);
	} else if (client->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)client;

		id.idiag_sport = in6->sin6_port;
		memcpy(id.idiag_src, &in6->sin6_addr, sizeof id.idiag_src);
		memcpy(id.idiag_dst, &in6addr_loopback, sizeof id.idiag_dst);
	} else {
		return -EAFNOSUPPORT;
	}
	*ret = id;
	return 0;
}

/* What a socket for IPv6 that is connected to an IPv4 address says of itself. */
static void map_to_ipv6(uint32_t address[4])
{
	address[3] = address[0];
	address[2] = htonl(0xffff);
	address[0] = address[1] = 0;
}

/* Where there is no such connection, the kernel may tell of one who listens at its port. */
static bool diag_is(const struct inet_diag_msg *answer, int family, struct inet_diag_sockid id)
{
	if (answer->idiag_family == AF_INET6 && family == AF_INET) {
		map_to_ipv6(id.idiag_src);
		map_to_ipv6(id.idiag_dst);
		family = AF_INET6;
	}
	size_t len = family == AF_INET ? sizeof id.idiag_src[0] : sizeof id.idiag_src;
	return answer->idiag_family == family && answer->id.idiag_sport == id.idiag_sport &&
	       answer->id.idiag_dport == id.idiag_dport &&
	       memcmp(answer->id.idiag_src, id.idiag_src, len) == 0 &&
	       memcmp(answer->id.idiag_dst, id.idiag_dst, len) == 0;
}

static int diag_read(const void *data, size_t len, struct inet_diag_msg *ret)
{
	const struct nlmsghdr *head = data;

	if (!NLMSG_OK(head, len))
		return -EBADMSG;
	if (head->nlmsg_type == NLMSG_ERROR &&
		head->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
		const struct nlmsgerr *error = NLMSG_DATA(head);
		return error->error < 0 ? error->error : -EBADMSG;
	}
	if (head->nlmsg_type != SOCK_DIAG_BY_FAMILY || head->nlmsg_len < NLMSG_LENGTH(sizeof *ret))
		return -EBADMSG;
	memcpy(ret, NLMSG_DATA(head), sizeof *ret);
	return 0;
}

/* One question, one answer, which is there when the question was sent. */
static int diag_ask(const struct inet_diag_req_v2 *question, struct inet_diag_msg *ret)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 question;
	} out = {
		.head = {.nlmsg_len = sizeof out,
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST},
		.question = *question,
	};
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	socklen_t kernel_len = sizeof kernel;
	_Alignas(struct nlmsghdr) char in[8192];

	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return -errno;
	if (sendto(fd, &out, sizeof out, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
		return -errno;
	ssize_t n =
		recvfrom(fd, in, sizeof in, MSG_DONTWAIT, (struct sockaddr *)&kernel, &kernel_len);
	if (n < 0)
		return -errno;
	/* Anybody may write to a netlink socket; 0 is the kernel. */
	return kernel.nl_pid == 0 ? diag_read(in, (size_t)n, ret) : -EBADMSG;
}

/* The client's socket, if it is our user's. */
static int client_inode(const struct sockaddr *client, uint16_t our_port, uint32_t *ret)
{
	struct inet_diag_req_v2 question = {
		.sdiag_family = (uint8_t)client->sa_family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = UINT32_MAX,
	};
	struct inet_diag_msg answer = {0};

	int r = diag_id(client, our_port, &question.id);
	r = r < 0 ? r : diag_ask(&question, &answer);
	if (r < 0)
		return r;
	/* A socket that nobody has any more has no inode, and its user is not told. */
	if (!diag_is(&answer, client->sa_family, question.id) || answer.idiag_inode == 0)
		return -ENOENT;
	if (answer.idiag_uid != geteuid())
		return -EPERM;
	*ret = answer.idiag_inode;
	return 0;
}

/* ---- Who has it ---- */

struct search {
	int proc;
	char socket[NAME_MAX_LEN]; /* what its descriptors are links to */
	unsigned n_left;           /* descriptors that may be looked at */
};

/* Of the process whose folder that is: it stays that one's, whoever gets the PID later. */
static int read_stat(int folder, pid_t *ret_parent, pid_t *ret_session)
{
	char text[1024];

	_cleanup_close_ int fd = openat(folder, "stat", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ESRCH ? -ENOENT : -errno;
	ssize_t n = read(fd, text, sizeof text - 1);
	if (n <= 0)
		return -ENOENT;
	text[n] = '\0';
	/* The name before it is the process' to choose, brackets and all. */
	const char *at = strrchr(text, ')');
	int parent, session;
	if (!at || sscanf(at, ") %*c %d %*d %d", &parent, &session) != 2)
		return -EBADMSG;
	*ret_parent = parent;
	*ret_session = session;
	return 0;
}

static bool has_socket(struct search *search, int folder)
{
	int fd = openat(folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	char target[NAME_MAX_LEN];

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (search->n_left > 0 && (entry = readdir(dir))) {
		ssize_t n = readlinkat(fd, entry->d_name, target, sizeof target - 1);
		search->n_left--;
		if (n > 0) {
			target[n] = '\0';
			if (strcmp(target, search->socket) == 0)
				return true;
		}
	}
	return false;
}

static int look_at(struct search *search, const char *pid, pid_t *ret_session)
{
	pid_t parent;
	struct stat st;

	_cleanup_close_ int folder = openat(search->proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || fstat(folder, &st) < 0 || st.st_uid != geteuid())
		return -ENOENT;
	return has_socket(search, folder) ? read_stat(folder, &parent, ret_session) : -ENOENT;
}

static int look_at_all(struct search *search, pid_t *ret_session)
{
	int fd = openat(search->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int r = -ENOENT;

	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == -ENOENT && search->n_left > 0 && (entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			r = look_at(search, entry->d_name, ret_session);
	return r;
}

static int look_for(uint32_t inode, pid_t likely, pid_t *ret_session)
{
	struct search search = {.n_left = DESCRIPTORS_MAX};
	char pid[NAME_MAX_LEN];

	_cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return -errno;
	search.proc = proc;
	snprintf(search.socket, sizeof search.socket, "socket:[%u]", inode);
	snprintf(pid, sizeof pid, "%d", likely);
	int r = likely > 0 ? look_at(&search, pid, ret_session) : -ENOENT;
	return r == -ENOENT ? look_at_all(&search, ret_session) : r;
}

int peer_session(const struct sockaddr *client, uint16_t our_port, pid_t likely, pid_t *ret_session)
{
	static usec_t second, looked;
	uint32_t inode;

	int r = client_inode(client, our_port, &inode);
	if (r < 0)
		return r;
	usec_t now = clock_monotonic();
	if (usec_sub(now, second) >= USEC_PER_SEC) {
		second = now;
		looked = 0;
	}
	if (looked >= LOOKING_MAX)
		return -EBUSY;
	usec_t begun = clock_thread();
	r = look_for(inode, likely, ret_session);
	looked += clock_thread() - begun;
	return r;
}

int peer_parent(pid_t pid, pid_t *ret_parent)
{
	char path[NAME_MAX_LEN];
	pid_t session;

	snprintf(path, sizeof path, "/proc/%d", pid);
	_cleanup_close_ int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	return read_stat(folder, ret_parent, &session);
}
