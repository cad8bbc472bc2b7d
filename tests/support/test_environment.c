#include "test_environment.h"

#include <assert.h>
#include <string.h>

#define VARIABLES_MAX 16

static struct {
	const char *name;
	const char *value;
} variables[VARIABLES_MAX];

void test_environment_set(const char *name, const char *value)
{
	size_t i = 0;

	while (variables[i].name && strcmp(variables[i].name, name) != 0)
		i++;
	assert(i + 1 < VARIABLES_MAX);
	variables[i].name = name;
	variables[i].value = value;
}

char *test_environment_get(const char *name)
{
	for (size_t i = 0; variables[i].name; i++)
		if (strcmp(variables[i].name, name) == 0)
			return (char *)variables[i].value;
	return NULL;
}
