#include "ctl/desk.h"

#include "ctl/interrupt.h"

int desk_open(struct desk *desk, const struct ctl *ctl, int wanted)
{
	int status = EXIT_SUCCESS;

	*desk = (struct desk){.ctl = ctl};
	desk->settings = ctl_settings(ctl, &status);
	if (!desk->settings)
		return status;
	interrupt_catch();
	if (wanted & DESK_QUEUE)
		status = client_open(desk->settings, &desk->client);
	if (status == EXIT_SUCCESS && wanted & DESK_DATABASE)
		status = database_open(desk->settings, &desk->database);
	return status;
}

void desk_close(struct desk *desk)
{
	database_close(desk->database);
	client_close(desk->client);
	settings_free(desk->settings);
}
