#include "net/http_failure.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_url.h"

#define PROXY_AUTHENTICATION_REQUIRED 407

struct failure {
	const struct http_failure_place *place;
	struct http_url url;
	char *text;
};

#define SAY(f, ...) snprintf((f)->text, HTTP_FAILURE_MAX, __VA_ARGS__)

static int failure_errno(CURLcode code)
{
	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_ABORTED_BY_CALLBACK: /* the exchange would not send once more */
		return -ECONNRESET;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return -EKEYREJECTED;
	case CURLE_FILESIZE_EXCEEDED:
		return -EMSGSIZE;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_WRITE_ERROR:
		return -EBADMSG;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

/* ---- TLS ---- */

static bool failure_has_openssl(void)
{
	const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;

	return library && strncmp(library, "OpenSSL/", strlen("OpenSSL/")) == 0;
}

/* Whose TLS it was: a proxy may be spoken to over TLS too. */
static bool failure_is_of_proxy(const struct failure *f)
{
	long connect_status = 0;

	curl_easy_getinfo(f->place->easy, CURLINFO_HTTP_CONNECTCODE, &connect_status);
	return f->place->proxy && connect_status == 0 &&
	       strncasecmp(f->place->proxy->url, "https:", strlen("https:")) == 0;
}

static long failure_verdict(const struct failure *f, const char **ret_whose)
{
	bool of_proxy = failure_is_of_proxy(f);
	long verdict = 0;

	curl_easy_getinfo(f->place->easy,
		of_proxy ? CURLINFO_PROXY_SSL_VERIFYRESULT : CURLINFO_SSL_VERIFYRESULT, &verdict);
	*ret_whose = of_proxy ? "the proxy's" : "its";
	return verdict;
}

static bool failure_of_authority(const struct failure *f, const char *whose, const char *signer)
{
	const char *bundle = f->place->ca_bundle;

	if (bundle)
		SAY(f, "%s certificate is signed by %s, which is not in %s: add it to that file",
			whose, signer, bundle);
	else
		SAY(f,
			"%s certificate is signed by %s, which this machine does not know: install "
			"that certificate, or set AWS_CA_BUNDLE",
			whose, signer);
	return true;
}

/* False: nothing better is known than what libcurl said. */
static bool failure_of_certificate(const struct failure *f)
{
	const char *whose;

	if (!failure_has_openssl())
		return false;
	long verdict = failure_verdict(f, &whose);
	switch (verdict) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		SAY(f, "%s certificate has expired, or this machine's clock is wrong", whose);
		return true;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		SAY(f, "%s certificate is not valid yet, or this machine's clock is wrong", whose);
		return true;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return failure_of_authority(f, whose, "itself only");
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		return failure_of_authority(f, whose, "an authority");
	/* The chain is good, or was not come to: libcurl compares the name itself. */
	case X509_V_OK:
	case X509_V_ERR_UNSPECIFIED:
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		SAY(f,
			"%s certificate is for another name: the endpoint is wrong, or something "
			"in "
			"between answers",
			whose);
		return true;
	default:
		SAY(f, "%s certificate is refused: %s", whose,
			X509_verify_cert_error_string(verdict));
		return true;
	}
}

/*
 * One line for what was said instead of TLS and for an end without a word: whether a server's
 * answer in plain is still read before its reset comes is chance.
 */
static bool failure_of_port(const struct failure *f)
{
	char place[sizeof f->place->proxy->name];

	if (failure_is_of_proxy(f))
		snprintf(place, sizeof place, "%s", f->place->proxy->name);
	else
		snprintf(place, sizeof place, "its port %u", f->url.port);
	SAY(f,
		"TLS fails at %s: is it one for http://, or does something in between answer, or "
		"cut the connection?",
		place);
	return true;
}

/*
 * OpenSSL's error number stands in libcurl's text; there is no other way to it. Without one the
 * peer ended the connection: that is the system's error, or none at all.
 */
static bool failure_of_handshake(const struct failure *f)
{
	const char *number = strstr(f->place->said, "error:");

	/* From 8.12 on libcurl says "TLS connect error: " before it. */
	if (number && number[strlen("error:")] == ' ')
		number = strstr(number + strlen("error:"), "error:");
	if (!failure_has_openssl())
		return false;
	if (!number)
		return failure_of_port(f);
	switch (ERR_GET_REASON(strtoul(number + strlen("error:"), NULL, 16))) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_UNEXPECTED_MESSAGE:
#ifdef SSL_R_UNEXPECTED_EOF_WHILE_READING
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
#endif
		return failure_of_port(f);
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		SAY(f, "it offers TLS 1.1 or older only, and 1.2 is the least that is safe");
		return true;
	default:
		return false;
	}
}

static bool failure_of_bundle(const struct failure *f)
{
	if (f->place->ca_bundle)
		SAY(f, "AWS_CA_BUNDLE: no certificates can be read from %s", f->place->ca_bundle);
	else
		SAY(f, "this machine has no certificates of authorities: install ca-certificates, "
		       "or set AWS_CA_BUNDLE");
	return true;
}

/* ---- Connections and proxies ---- */

static bool failure_of_connection(const struct failure *f)
{
	const struct http_proxy *proxy = f->place->proxy;
	long error = 0;

	curl_easy_getinfo(f->place->easy, CURLINFO_OS_ERRNO, &error);
	const char *why = error > 0 ? strerror((int)error) : "no connection";
	if (proxy)
		SAY(f, "cannot connect to %s: %s", proxy->name, why);
	else
		SAY(f, "cannot connect to %s port %u: %s", f->url.host, f->url.port, why);
	return true;
}

/* What the proxy answered to CONNECT. */
static bool failure_of_tunnel(const struct failure *f)
{
	const struct http_proxy *proxy = f->place->proxy;
	long status = 0;

	curl_easy_getinfo(f->place->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	if (!proxy || status < 300)
		return false;
	if (status == PROXY_AUTHENTICATION_REQUIRED)
		SAY(f, "%s wants a user and a password (%ld): write them into it, or correct them",
			proxy->name, status);
	else if (status < 500)
		SAY(f, "%s refuses to connect (%ld): have it allowed there, or add %s to NO_PROXY",
			proxy->name, status, f->url.host);
	else
		SAY(f, "%s cannot connect to %s (%ld)", proxy->name, f->url.authority, status);
	return true;
}

static bool failure_of_proxy_name(const struct failure *f)
{
	if (!f->place->proxy)
		return false;
	SAY(f, "%s: its name cannot be looked up, or it is not a URL", f->place->proxy->name);
	return true;
}

static bool failure_describe(const struct failure *f, CURLcode code)
{
	switch ((int)code) {
	case CURLE_OUT_OF_MEMORY:
		SAY(f, "out of memory");
		return true;
	case CURLE_FILESIZE_EXCEEDED:
		SAY(f, "the answer is larger than expected");
		return true;
	case CURLE_ABORTED_BY_CALLBACK:
		SAY(f, "the connection was closed without an answer");
		return true;
	case CURLE_COULDNT_RESOLVE_PROXY:
		return failure_of_proxy_name(f);
	case CURLE_COULDNT_CONNECT:
		return failure_of_connection(f);
	case CURLE_PEER_FAILED_VERIFICATION:
		return failure_of_certificate(f);
	case CURLE_SSL_CONNECT_ERROR:
		return failure_of_handshake(f);
	case CURLE_SSL_CACERT_BADFILE:
		return failure_of_bundle(f);
	case CURLE_RECV_ERROR:
		return failure_of_tunnel(f);
	default:
		return false;
	}
}

int http_failure_of(
	const struct http_failure_place *place, CURLcode code, char ret_text[HTTP_FAILURE_MAX])
{
	struct failure f = {.place = place, .text = ret_text};

	if (http_url_parse(place->url, &f.url) < 0)
		f.url = (struct http_url){0};
	if (!failure_describe(&f, code))
		SAY(&f, "%s", place->said[0] ? place->said : curl_easy_strerror(code));
	return failure_errno(code);
}
