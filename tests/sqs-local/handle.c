#include "handle.h"

#include <openssl/evp.h>
#include <string.h>

#include "rng.h"

#define HANDLE_BYTES 138

/* The first three bytes give the AQEB with which AWS's handles begin. */
static const unsigned char handle_magic[3] = {1, 1, 1};

void handle_write(const struct handle *handle, char ret[HANDLE_SIZE])
{
	unsigned char bytes[sizeof handle_magic + sizeof *handle + 14 * sizeof(uint64_t)];
	unsigned char *at = bytes;
	struct rng padding = {handle->message * 31 + handle->receive * 7 + handle->slot};

	_Static_assert(sizeof bytes >= HANDLE_BYTES, "the padding must fill the handle");
	memcpy(at, handle_magic, sizeof handle_magic);
	at += sizeof handle_magic;
	memcpy(at, handle, sizeof *handle);
	at += sizeof *handle;
	for (unsigned i = 0; i < 14; i++, at += sizeof(uint64_t)) {
		uint64_t word = rng_next(&padding);
		memcpy(at, &word, sizeof word);
	}
	EVP_EncodeBlock((unsigned char *)ret, bytes, HANDLE_BYTES);
}

bool handle_read(const char *text, struct handle *ret)
{
	unsigned char bytes[HANDLE_BYTES];
	char again[HANDLE_SIZE];
	struct handle handle;

	if (strlen(text) != HANDLE_SIZE - 1)
		return false;
	if (EVP_DecodeBlock(bytes, (const unsigned char *)text, HANDLE_SIZE - 1) != HANDLE_BYTES)
		return false;
	memcpy(&handle, bytes + sizeof handle_magic, sizeof handle);
	handle_write(&handle, again);
	if (strcmp(text, again) != 0)
		return false;
	*ret = handle;
	return true;
}
