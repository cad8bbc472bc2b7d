#include "handler/child_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/quote.h"
#include "handler/variables.h"

#define SCRIPT_LINE_MAX 256 /* bytes that the kernel reads of a script, execve(2) */

/* Says so and counts it; or the error of strbuf. */
static int complain(struct strbuf *problems, const char *key, const char *what, const char *wrong)
{
	int r = strbuf_printf(
		problems, "%s%s%s%s%s\n", key, *key ? ": " : "", what, *what ? ": " : "", wrong);

	return r < 0 ? r : 1;
}

const char *child_check_hidden(const char *path)
{
	static const char *const places[] = {
		"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"};

	for (size_t i = 0; access(path, F_OK) < 0 && i < sizeof places / sizeof *places; i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return " (the unit hides the machine's /home, /root and /tmp)";
	return "";
}

static int complain_of_path(struct strbuf *problems, const char *key, const char *path,
	const char *wrong, const char *accepted)
{
	int r = strbuf_printf(problems, "%s: %s: %s%s, accepted is %s\n", key, path, wrong,
		child_check_hidden(path), accepted);

	return r < 0 ? r : 1;
}

/* Of a script: a program that is there does not start without the one in its first line. */
static int check_interpreter(const char *program, struct strbuf *problems)
{
	char line[SCRIPT_LINE_MAX], shown[SCRIPT_LINE_MAX], wrong[2 * SCRIPT_LINE_MAX];
	_cleanup_close_ int fd = open(program, O_RDONLY | O_CLOEXEC);

	/* What we may not read may run all the same. */
	ssize_t n = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
	if (n < 2 || memcmp(line, "#!", 2) != 0)
		return 0;
	line[n] = '\0';
	char *interpreter = line + 2 + strspn(line + 2, " \t");
	interpreter[strcspn(interpreter, " \t\n")] = '\0';
	if (access(interpreter, F_OK) == 0)
		return 0;
	quote_text(interpreter, shown, sizeof shown);
	snprintf(wrong, sizeof wrong, "its first line names the interpreter \"%s\": %s%s", shown,
		strerrordesc_np(errno),
		strchr(interpreter, '\r') ? " (lines end as on Windows)" : "");
	return complain(problems, "program", program, wrong);
}

static int check_program(const struct child_settings *settings, struct strbuf *problems)
{
	static const char accepted[] = "the absolute path of a program that is there";
	_cleanup_free_ char **words = NULL;
	char error[CHILD_ERROR_MAX];
	struct stat st;

	int r = child_words(settings, error, &words);
	if (r == -EINVAL)
		return complain(problems, "", "", error);
	if (r < 0)
		return r;
	if (stat(words[0], &st) < 0)
		return complain_of_path(
			problems, "program", words[0], strerrordesc_np(errno), accepted);
	if (!S_ISREG(st.st_mode))
		return complain_of_path(
			problems, "program", words[0], "it is no file that can be run", accepted);
	if (access(words[0], X_OK) < 0)
		return complain(problems, "program", words[0],
			"it may not be executed (chmod +x makes it so)");
	return check_interpreter(words[0], problems);
}

static int check_directory(const char *directory, struct strbuf *problems)
{
	static const char accepted[] = "the absolute path of a directory that may be entered";
	const char *wrong = NULL;
	struct stat st;

	if (!directory)
		return 0;
	bool is_there = stat(directory, &st) == 0;
	if (*directory != '/')
		wrong = "it is not an absolute path";
	else if (is_there && !S_ISDIR(st.st_mode))
		wrong = "it is no directory";
	else if (!is_there || access(directory, X_OK) < 0)
		wrong = strerrordesc_np(errno);
	if (!wrong)
		return 0;
	return complain_of_path(problems, "working_directory", directory, wrong, accepted);
}

typedef int fill_fn(
	struct variables *variables, const char *what, char ret_error[VARIABLES_ERROR_MAX]);

static int check_environment(
	const char *key, const char *what, fill_fn *fill, struct strbuf *problems)
{
	_cleanup_(variables_done) struct variables variables = {0};
	char error[VARIABLES_ERROR_MAX];

	int r = what ? fill(&variables, what, error) : 0;
	return r < 0 && r != -ENOMEM ? complain(problems, key, "", error) : r;
}

int child_check(const struct child_settings *settings, struct strbuf *problems)
{
	const int found[] = {
		check_program(settings, problems),
		check_directory(settings->working_directory, problems),
		check_environment(
			"environment", settings->environment, variables_put_words, problems),
		check_environment(
			"environment_file", settings->environment_file, variables_read, problems),
	};
	int n = 0;

	for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
		if (found[i] < 0)
			return found[i];
		n += found[i];
	}
	return n;
}
