#include "ctl/choice.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

/* As many as SQS lets be in flight. */
#define LIMIT_MAX 120000

static int choice_read_limit(struct choice *choice, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || n < 1 || n > LIMIT_MAX)
		return ctl_usage(
			"dlq", "--limit %s: accepted is a number from 1 to %d", text, LIMIT_MAX);
	choice->limit = n;
	return EXIT_SUCCESS;
}

int choice_option(struct choice *choice, int option, const char *text)
{
	switch (option) {
	case 't':
		choice->type = text;
		return EXIT_SUCCESS;
	case 'e':
		choice->error = text;
		return EXIT_SUCCESS;
	case 'l':
		return choice_read_limit(choice, text);
	default:
		return -1;
	}
}

int choice_parse_id(struct choice *choice, const char *command, int argc, char **argv)
{
	static const struct option options[] = {CHOICE_OPTIONS, {0}};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		int status = choice_option(choice, c, optarg);
		if (status != EXIT_SUCCESS)
			return status > 0 ? status : ctl_usage("dlq", NULL);
	}
	if (optind + 1 != argc)
		return ctl_usage("dlq", "%s takes one id, a job's or a message's", command);
	choice->ids = (const char *const *)&argv[optind];
	choice->n_ids = 1;
	return EXIT_SUCCESS;
}

static bool choice_names(const struct choice *choice, const struct letter *letter)
{
	for (size_t i = 0; i < choice->n_ids; i++)
		if (strcmp(choice->ids[i], letter->message_id) == 0 ||
			(letter->job_id && strcmp(choice->ids[i], letter->job_id) == 0))
			return true;
	return false;
}

bool choice_takes(const struct choice *choice, const struct dead *dead)
{
	const char *type = dead->letter->type, *error = dead_error(dead);

	if (choice->ids && !choice_names(choice, dead->letter))
		return false;
	if (choice->type && !(type && strcmp(type, choice->type) == 0))
		return false;
	return !choice->error || (error && strstr(error, choice->error));
}
