#include "handler/child_check.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "handler/variables.h"

/* Says so and counts it; or the error of strbuf. */
static int complain(struct strbuf *problems, const char *key, const char *what, const char *wrong)
{
	int r = strbuf_printf(
		problems, "%s%s%s%s%s\n", key, *key ? ": " : "", what, *what ? ": " : "", wrong);

	return r < 0 ? r : 1;
}

static int complain_of_path(struct strbuf *problems, const char *key, const char *path,
	const char *wrong, const char *accepted)
{
	int r = strbuf_printf(problems, "%s: %s: %s, accepted is %s\n", key, path, wrong, accepted);

	return r < 0 ? r : 1;
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
	return 0;
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
