#include "ctl/choice.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

int choice_add_id(struct choice *choice, const char *id)
{
	const char **ids = reallocarray(choice->ids, choice->n_ids + 1, sizeof ids[0]);

	if (!ids)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	choice->ids = ids;
	choice->ids[choice->n_ids++] = id;
	return EXIT_SUCCESS;
}

void choice_done(struct choice *choice)
{
	free(choice->ids);
}

int choice_option(struct choice *choice, int option, const char *text)
{
	switch (option) {
	case 'j':
		return choice_add_id(choice, text);
	case 't':
		choice->type = text;
		return EXIT_SUCCESS;
	case 'e':
		choice->error = text;
		return EXIT_SUCCESS;
	case 'l':
		return ctl_read_number("dlq", "--limit", text, CHOICE_LIMIT_MAX, &choice->limit);
	default:
		return ctl_usage("dlq", NULL);
	}
}

int choice_take_id(struct choice *choice, const char *command, int argc, char **argv)
{
	if (optind + 1 != argc)
		return ctl_usage("dlq", "%s takes one id, a job's or a message's", command);
	return choice_add_id(choice, argv[optind]);
}

bool choice_names(const struct dead *dead, const char *id)
{
	const char *job_id = dead->letter->job_id;

	return strcmp(id, dead->letter->message_id) == 0 || (job_id && strcmp(id, job_id) == 0);
}

bool choice_takes(const struct choice *choice, const struct dead *dead)
{
	const char *type = dead->letter->type, *error = dead_error(dead);
	bool named = choice->n_ids == 0;

	for (size_t i = 0; i < choice->n_ids && !named; i++)
		named = choice_names(dead, choice->ids[i]);
	if (!named || (choice->type && !(type && strcmp(type, choice->type) == 0)))
		return false;
	return !choice->error || (error && strstr(error, choice->error));
}
