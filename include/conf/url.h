/*
 * Just enough of a URL: "http" or "https", a host, perhaps a port, a path. No user and no
 * fragment, and a query only where it is asked for. And what the host of a queue's URL says:
 * whether it is AWS's, and in which region.
 *
 * Pure; all slices are borrowed from the text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define URL_REGION_MAX 63

struct url {
	bool tls;
	const char *host; /* without the brackets of an IPv6 address */
	size_t host_len;
	size_t origin_len; /* of scheme://host[:port], from the start of the text */
	const char *path;  /* "" or begins with "/"; with a query, "?" and that behind it */
};

/* 0, or -EINVAL and the reason, a constant that reads on from "the URL …", in ret_wrong. */
int url_parse(const char *text, struct url *ret, const char **ret_wrong);

/* The same for one that may have a query. */
int url_parse_request(const char *text, struct url *ret, const char **ret_wrong);

/* 127.0.0.0/8, ::1, localhost and names below it. */
bool url_is_loopback(const struct url *url);

/* The same without those names, nor a dot at the end, with which a resolver might lead away. */
bool url_is_this_machine(const struct url *url);

/* Whether the host is one under which AWS serves SQS. */
bool url_is_aws(const struct url *url);

/* Whether it is written as AWS writes its own: lower case, without a dot at the end or a port. */
bool url_is_plain(const struct url *url);

/* Whether AWS's host is one with validated cryptography (FIPS 140); in us-gov all are. */
bool url_is_fips(const struct url *url);

/* The region that the host names; false where it names none. */
bool url_region(const struct url *url, char ret_region[URL_REGION_MAX + 1]);

/* Whether the text could be a region's name. */
bool url_is_region(const char *text);
