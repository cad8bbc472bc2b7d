#include "wire.h"

#include <strings.h>

const struct wire_header *wire_header(const struct wire *wire, const char *name)
{
	for (size_t i = 0; i < wire->n_headers; i++) {
		if (strcasecmp(wire->headers[i].name, name) == 0)
			return &wire->headers[i];
	}
	return NULL;
}

const char *wire_value(const struct wire *wire, const char *name)
{
	const struct wire_header *header = wire_header(wire, name);

	return header ? header->value : NULL;
}
