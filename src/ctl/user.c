#include "ctl/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int user_become(const char *name, char ret_text[static USER_TEXT_MAX])
{
	const char *wanted = name ? name : USER_USUAL;

	if (geteuid() != 0 && !name)
		return 0;
	errno = 0;
	const struct passwd *user = getpwnam(wanted);
	if (!user) {
		int r = errno ? -errno : -ENOENT;
		snprintf(ret_text, USER_TEXT_MAX,
			"there is no user %s to run the handler as; name one with --user", wanted);
		return r;
	}
	if (user->pw_uid == geteuid())
		return 0;
	if (initgroups(user->pw_name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 ||
		setuid(user->pw_uid) < 0) {
		int r = -errno;
		snprintf(ret_text, USER_TEXT_MAX, "cannot become the user %s: %s", wanted,
			strerror(-r));
		return r;
	}
	/* Who changes its identity is open to its new user's debuggers otherwise. */
	prctl(PR_SET_DUMPABLE, 0);
	return 0;
}
