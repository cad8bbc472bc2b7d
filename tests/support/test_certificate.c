#include "test_certificate.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stddef.h>

#define HOUR 3600

struct plan {
	const char *common_name;
	const char *alternative_name; /* NULL: an authority */
	long from, until;             /* seconds from now */
};

static void add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert(extension);
	X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
}

/* issuer NULL: signed by itself. */
static X509 *make(const struct plan *plan, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *x = X509_new();

	assert(x);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), plan->from);
	X509_gmtime_adj(X509_getm_notAfter(x), plan->until);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
		(const unsigned char *)plan->common_name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
	if (plan->alternative_name)
		add_extension(x, NID_subject_alt_name, plan->alternative_name);
	else
		add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
	int signed_len = X509_sign(x, issuer ? issuer_key : key, EVP_sha256());
	assert(signed_len > 0);
	return x;
}

void test_certificate_new(
	enum test_certificate kind, X509 **ret, EVP_PKEY **ret_key, X509 **ret_trusted)
{
	static const struct plan authority = {"test authority", NULL, -HOUR, HOUR};
	static const struct plan plans[] = {
		[CERTIFICATE_SELF_SIGNED] = {"test", "IP:127.0.0.1", -HOUR, HOUR},
		[CERTIFICATE_FOREIGN] = {"test", "DNS:elsewhere.example", -HOUR, HOUR},
		[CERTIFICATE_EXPIRED] = {"test", "IP:127.0.0.1", -2 * HOUR, -HOUR},
		[CERTIFICATE_EARLY] = {"test", "IP:127.0.0.1", HOUR, 2 * HOUR},
		[CERTIFICATE_ISSUED] = {"test", "IP:127.0.0.1", -HOUR, HOUR},
		[CERTIFICATE_WEAK] = {"test", "IP:127.0.0.1", -HOUR, HOUR},
	};
	EVP_PKEY *key = kind == CERTIFICATE_WEAK ? EVP_RSA_gen(1024) : EVP_EC_gen("P-256");

	assert(key);
	*ret_key = key;
	if (kind == CERTIFICATE_ISSUED) {
		EVP_PKEY *authority_key = EVP_EC_gen("P-256");
		assert(authority_key);
		*ret_trusted = make(&authority, authority_key, NULL, NULL);
		*ret = make(&plans[kind], key, *ret_trusted, authority_key);
		EVP_PKEY_free(authority_key);
		return;
	}
	*ret = make(&plans[kind], key, NULL, NULL);
	X509_up_ref(*ret);
	*ret_trusted = *ret;
}
