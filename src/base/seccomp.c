#include "base/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__) && defined(__LP64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE

/* The kernel takes the lower half of the first argument for the process: 0 is the caller. */
#define LOAD(member)                                                                               \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, member))
#define UNLESS_EQUAL(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define ANSWER(action)            BPF_STMT(BPF_RET | BPF_K, action)

int seccomp_keep_to_own_limits(void)
{
	/* Calls of another architecture have other numbers; SystemCallArchitectures= ends those. */
	struct sock_filter steps[] = {
		LOAD(arch),
		UNLESS_EQUAL(ARCHITECTURE, 4),
		LOAD(nr),
		UNLESS_EQUAL(SYS_prlimit64, 2),
		LOAD(args[0]),
		UNLESS_EQUAL(0, 1),
		ANSWER(SECCOMP_RET_ALLOW),
		ANSWER(SECCOMP_RET_ERRNO | EPERM),
	};
	const struct sock_fprog filter = {sizeof steps / sizeof steps[0], steps};

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0)
		return 0;
	return errno == EINVAL ? 0 : -errno;
}

#else

int seccomp_keep_to_own_limits(void)
{
	return 0;
}

#endif
