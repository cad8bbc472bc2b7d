#include "conf/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value_text.h"

/* 1 to 65535, in digits alone. */
static bool parse_port(const char *text, in_port_t *ret)
{
	size_t len = strspn(text, "0123456789");
	unsigned long port = strtoul(text, NULL, 10);

	if (text[len] || len == 0 || len > 5 || port == 0 || port > 65535)
		return false;
	*ret = htons((in_port_t)port);
	return true;
}

static bool parse_address4(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;

	in->sin_family = AF_INET;
	*ret_len = sizeof *in;
	return inet_pton(AF_INET, text, &in->sin_addr) == 1;
}

static bool parse_address6(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in6 *in = (struct sockaddr_in6 *)ret;
	size_t len = strlen(text);
	char inner[INET6_ADDRSTRLEN];

	if (len < 2 || len - 2 >= sizeof inner || text[0] != '[' || text[len - 1] != ']')
		return false;
	memcpy(inner, text + 1, len - 2);
	inner[len - 2] = '\0';
	in->sin6_family = AF_INET6;
	*ret_len = sizeof *in;
	return inet_pton(AF_INET6, inner, &in->sin6_addr) == 1;
}

int listen_parse(
	const char *text, struct sockaddr_storage *ret, socklen_t *ret_len, const char **ret_wrong)
{
	const char *colon = strrchr(text, ':');
	char address[INET6_ADDRSTRLEN + 2];
	in_port_t port;

	*ret_wrong = "does not end with a colon and a port from 1 to 65535";
	if (!colon || !parse_port(colon + 1, &port))
		return -EINVAL;
	*ret_wrong = "does not begin with an IP address";
	if ((size_t)(colon - text) >= sizeof address)
		return -EINVAL;
	memcpy(address, text, (size_t)(colon - text));
	address[colon - text] = '\0';
	memset(ret, 0, sizeof *ret);
	if (!parse_address4(address, ret, ret_len) && !parse_address6(address, ret, ret_len))
		return -EINVAL;
	/* Both kinds have the port in the same place. */
	((struct sockaddr_in *)ret)->sin_port = port;
	return 0;
}

static int value_listen_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	struct sockaddr_storage address;
	const char *reason;
	socklen_t len;

	(void)rule;
	if (listen_parse(text, &address, &len, &reason) == 0)
		return value_text_keep(text, strlen(text), field);
	return value_refuse(reason, wrong);
}

const struct value_type value_listen = {
	.read = value_listen_read,
	.write = value_text_write,
	.accepted = "an IP address and a port, such as 127.0.0.1:9464 or [::1]:9464",
	.clear = value_text_clear,
};
