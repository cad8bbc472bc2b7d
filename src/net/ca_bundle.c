#include "net/ca_bundle.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/file.h"

/* The system's own has about a fiftieth of that. */
#define BUNDLE_MAX ((size_t)10 << 20)

DEFINE_CLEANUP(BIO *, BIO_free)

int ca_bundle_check(const char *path)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	unsigned n_certificates = 0;
	X509 *certificate;

	int r = file_read(path, BUNDLE_MAX, &text);
	if (r < 0)
		return r;
	_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(strbuf_str(&text), (int)text.len);
	if (!bio)
		return -ENOMEM;
	ERR_clear_error();
	while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_free(certificate);
		n_certificates++;
	}
	/* The end of the text is an error of its own. */
	bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return n_certificates > 0 && ended ? 0 : -EBADMSG;
}
