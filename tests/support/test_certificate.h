/*
 * Certificates for 127.0.0.1, good ones and bad ones, made anew each time. Fails the test rather
 * than to return an error.
 */
#pragma once

#include <openssl/types.h>

enum test_certificate {
	CERTIFICATE_SELF_SIGNED,
	CERTIFICATE_FOREIGN, /* self-signed, for another host */
	CERTIFICATE_EXPIRED, /* likewise, for 127.0.0.1 again */
	CERTIFICATE_EARLY,   /* not valid yet */
	CERTIFICATE_ISSUED,  /* by an authority */
	CERTIFICATE_WEAK,    /* self-signed with a key that is too short to be safe */
};

/* What a server shows, and its key: both the caller's to free. ret_trusted: the certificate that
 * makes it a good one, to be freed too; the authority's, or the very same.
 */
void test_certificate_new(
	enum test_certificate kind, X509 **ret, EVP_PKEY **ret_key, X509 **ret_trusted);
