/*
 * Preloaded into the daemon: whom the name in RESOLVER_NAME leads to is what stands in the file
 * RESOLVER_FILE: an address, or how the answer fails. As long as that is empty nobody answers. Each
 * such question is a byte more in RESOLVER_FILE.asked.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_AGAIN_USEC 10000

static void resolver_asked(const char *path)
{
	char asked[4096];
	snprintf(asked, sizeof asked, "%s.asked", path);
	FILE *file = fopen(asked, "a");

	if (!file)
		return;
	fputc('.', file);
	fclose(file);
}

/* Whether somebody answers. */
static int resolver_read(const char *path, char address[64])
{
	FILE *file = fopen(path, "r");
	int n = file ? fscanf(file, "%63s", address) : 0;

	if (file)
		fclose(file);
	return n == 1;
}

/* What a name server's words make of a lookup; 0: that is no such word, but an address. */
static int resolver_failure(const char *text)
{
	if (strcmp(text, "SERVFAIL") == 0)
		return EAI_AGAIN;
	return strcmp(text, "NXDOMAIN") == 0 ? EAI_NONAME : 0;
}

int getaddrinfo(
	const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	const char *name = getenv("RESOLVER_NAME"), *path = getenv("RESOLVER_FILE");
	char address[64];

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (!host || !name || !path || strcmp(host, name) != 0)
		return real(host, service, hints, ret);
	resolver_asked(path);
	while (!resolver_read(path, address))
		usleep(LOOK_AGAIN_USEC);
	int failure = resolver_failure(address);
	return failure ? failure : real(address, service, hints, ret);
}
