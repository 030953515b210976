/* SPDX-License-Identifier: ISC */
/* Makes the context that all connections share, and tells all that is wrong with what it is made of. */
#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "net/tls_file.h"
#include "net/tls_io.h"

enum {
	SECURITY_LEVEL = 2, /* at least: 112 bits */
	VERIFY_DEPTH = 8,
	/* Takes whole records off the socket, two at a time; given back when there is nothing to be read. */
	READ_AHEAD_BYTES = 32 * 1024,
};

struct loading {
	const struct tls_plan *plan;
	struct tls *tls;
	EVP_MD_CTX *all; /* of all files */
	struct buf *errors, *warnings;
};

static bool
fail(struct loading *loading, const char *directive, const char *what)
{
	buf_printf(loading->errors, "%s: %s\n", directive, what);
	return false;
}

/* Reads a file into the digest of all. */
static bool
read_file(struct loading *loading, struct tls_file *file, const char *directive, const char *path)
{
	if (tls_file_read(file, directive, path, loading->errors) < 0)
		return false;
	uint64_t len = file->len;
	/* With its length, or what goes from one file to the next would be no change. */
	return (EVP_DigestUpdate(loading->all, &len, sizeof len) == 1 &&
		       EVP_DigestUpdate(loading->all, file->data, file->len) == 1) ||
	       fail(loading, directive, tls_file_reason());
}

/* The day of a time in a certificate. */
static const char *
day_of(const ASN1_TIME *time, char text[static 16])
{
	struct tm day = {0};
	if (ASN1_TIME_to_tm(time, &day) != 1 || strftime(text, 16, "%Y-%m-%d", &day) == 0)
		return "a day that cannot be read";
	return text;
}

static void
warn_of_times(struct loading *loading, const X509 *certificate)
{
	char day[16];
	const ASN1_TIME *from = X509_get0_notBefore(certificate),
			*to = X509_get0_notAfter(certificate);
	const char *path = loading->plan->certificate_file;
	if (X509_cmp_current_time(to) < 0)
		buf_printf(loading->warnings,
			"TLSCertificateFile: the certificate in %s has expired on %s, clients will "
			"refuse it\n",
			path, day_of(to, day));
	else if (X509_cmp_current_time(from) > 0)
		buf_printf(loading->warnings,
			"TLSCertificateFile: the certificate in %s holds from %s on, clients will "
			"refuse it\n",
			path, day_of(from, day));
}

/* The first one is ours, those behind it go with it. */
static bool
use_certificates(struct loading *loading, STACK_OF(X509) * certificates)
{
	SSL_CTX *context = loading->tls->context;
	bool good = SSL_CTX_use_certificate(context, sk_X509_value(certificates, 0)) == 1;
	for (int i = 1; good && i < sk_X509_num(certificates); i++)
		good = SSL_CTX_add1_chain_cert(context, sk_X509_value(certificates, i)) == 1;
	if (good)
		warn_of_times(loading, sk_X509_value(certificates, 0));
	else
		buf_printf(loading->errors, "TLSCertificateFile: cannot use %s: %s\n",
			loading->plan->certificate_file, tls_file_reason());
	return good;
}

static bool
use_key(struct loading *loading, const struct tls_file *file)
{
	X509 *certificate = SSL_CTX_get0_certificate(loading->tls->context);
	EVP_PKEY *key = tls_file_key(file, loading->errors);
	bool good = key != NULL;
	if (good && X509_check_private_key(certificate, key) != 1) {
		buf_printf(loading->errors,
			"%s: the key in %s is not that of the certificate in %s, its own is "
			"wanted\n",
			file->directive, file->path, loading->plan->certificate_file);
		good = false;
	} else if (good && SSL_CTX_use_PrivateKey(loading->tls->context, key) != 1) {
		good = fail(loading, file->directive, tls_file_reason());
	}
	EVP_PKEY_free(key);
	return good;
}

/* `file` is the certificate's, where the key may be, too. */
static bool
load_key(struct loading *loading, const struct tls_file *file)
{
	struct tls_file other = {0};
	const char *path = loading->plan->key_file;
	if (path[0] == '\0')
		return use_key(loading, file);
	bool good = read_file(loading, &other, "TLSCertificateKeyFile", path) &&
	            use_key(loading, &other);
	tls_file_fini(&other);
	return good;
}

static bool
load_pair(struct loading *loading)
{
	static const char directive[] = "TLSCertificateFile";
	struct tls_file file = {0};
	STACK_OF(X509) *certificates = NULL;
	if (loading->plan->certificate_file[0] == '\0')
		return fail(loading, directive,
			"must name the server's certificate, since a Listen line says tls");
	bool good = read_file(loading, &file, directive, loading->plan->certificate_file);
	if (good)
		certificates = tls_file_certificates(&file, loading->errors);
	good = certificates != NULL && use_certificates(loading, certificates) &&
	       load_key(loading, &file);
	sk_X509_pop_free(certificates, X509_free);
	tls_file_fini(&file);
	return good;
}

/*
 * A ticket is of use only where its client would be judged as it was then: with other authorities, or asked for
 * more, it has to show its certificate again.
 */
static bool
bind_tickets(struct loading *loading, const struct tls_file *authorities)
{
	unsigned char id[SSL_MAX_SID_CTX_LENGTH];
	unsigned int len = 0;
	int32_t verify = (int32_t)loading->plan->verify;
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool good = digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
	            EVP_DigestUpdate(digest, &verify, sizeof verify) == 1 &&
	            EVP_DigestUpdate(digest, authorities->data, authorities->len) == 1 &&
	            EVP_DigestFinal_ex(digest, id, &len) == 1 &&
	            SSL_CTX_set_session_id_context(loading->tls->context, id, len) == 1;
	EVP_MD_CTX_free(digest);
	return good || fail(loading, "TLSClientCAFile", tls_file_reason());
}

static bool
trust(struct loading *loading, const struct tls_file *file)
{
	SSL_CTX *context = loading->tls->context;
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	STACK_OF(X509) *authorities = tls_file_certificates(file, loading->errors);
	bool good = authorities != NULL;
	for (int i = 0; good && i < sk_X509_num(authorities); i++) {
		X509 *authority = sk_X509_value(authorities, i);
		good = (X509_STORE_add_cert(store, authority) == 1 &&
			       SSL_CTX_add_client_CA(context, authority) == 1) ||
		       fail(loading, file->directive, tls_file_reason());
	}
	sk_X509_pop_free(authorities, X509_free);
	return good;
}

static bool
load_authorities(struct loading *loading)
{
	static const char directive[] = "TLSClientCAFile";
	static const int modes[] = {SSL_VERIFY_NONE, SSL_VERIFY_PEER,
		SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT};
	struct tls_file file = {0};
	const struct tls_plan *plan = loading->plan;
	if (plan->client_ca_file[0] == '\0' && plan->verify != TLS_VERIFY_NONE)
		return fail(loading, directive,
			"must name the authorities of the clients' certificates, since "
			"TLSVerifyClient asks for these");
	bool good = plan->client_ca_file[0] == '\0' ||
	            (read_file(loading, &file, directive, plan->client_ca_file) &&
			    trust(loading, &file));
	good = good && bind_tickets(loading, &file);
	tls_file_fini(&file);
	SSL_CTX_set_verify(loading->tls->context, modes[plan->verify], NULL);
	SSL_CTX_set_verify_depth(loading->tls->context, VERIFY_DEPTH);
	return good;
}

/* OpenSSL passes over words that it does not know, as long as it knows one. */
static bool
check_word(struct loading *loading, struct slice word)
{
	char text[64];
	SSL_CTX *scratch = SSL_CTX_new(TLS_server_method());
	snprintf(text, sizeof text, "%.*s", (int)word.len, word.data);
	bool suite = strncmp(text, "TLS_", 4) == 0;
	bool good = scratch != NULL && word.len < sizeof text &&
	            (suite ? SSL_CTX_set_ciphersuites(scratch, text)
			   : SSL_CTX_set_cipher_list(scratch, text)) == 1;
	SSL_CTX_free(scratch);
	if (!good)
		buf_printf(loading->errors,
			"TLSCiphers: '%s' stands for no cipher that is known here, openssl ciphers "
			"-v shows them\n",
			text);
	return good;
}

/* Sorts the words into the list of TLS 1.2 and the suites of TLS 1.3. */
static bool
sort_ciphers(struct loading *loading, struct buf *list, struct buf *suites)
{
	bool good = true;
	for (const char *at = loading->plan->ciphers; *at != '\0';) {
		struct slice word = {at, strcspn(at, ":, ")};
		at += word.len + (at[word.len] != '\0');
		if (word.len == 0)
			continue;
		struct buf *out = strncmp(word.data, "TLS_", 4) == 0 ? suites : list;
		buf_printf(out, "%s%.*s", out->len > 0 ? ":" : "", (int)word.len, word.data);
		/* What only takes away, or sorts, selects nothing by itself. */
		if (strchr("!-+@", word.data[0]) == NULL)
			good &= check_word(loading, word);
	}
	return good;
}

static bool
choose_ciphers(struct loading *loading)
{
	SSL_CTX *context = loading->tls->context;
	struct buf list = {0}, suites = {0};
	bool good = sort_ciphers(loading, &list, &suites);
	if (good && list.len > 0 && SSL_CTX_set_cipher_list(context, buf_string(&list)) != 1)
		good = fail(loading, "TLSCiphers", "no cipher of TLS 1.2 is left, allow one");
	if (good && suites.len > 0 && SSL_CTX_set_ciphersuites(context, buf_string(&suites)) != 1)
		good = fail(loading, "TLSCiphers", "no cipher of TLS 1.3 is left, allow one");
	buf_fini(&list);
	buf_fini(&suites);
	return good;
}

/* Whose keys a cipher of TLS 1.2 signs with; NID_undef: none, or some that are not known here. */
static int
signing_of(const EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return NID_auth_rsa;
	case EVP_PKEY_EC:
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		return NID_auth_ecdsa;
	default:
		return NID_undef;
	}
}

/* Nobody would be served with a list for another kind of key, and nobody told why. */
static bool
check_ciphers_fit(struct loading *loading)
{
	const EVP_PKEY *key = SSL_CTX_get0_privatekey(loading->tls->context);
	const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(loading->tls->context);
	int signing = key == NULL ? NID_undef : signing_of(key);
	if (!(loading->plan->protocols & TLS_PROTOCOL_1_2) || signing == NID_undef)
		return true;
	for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
		int auth = SSL_CIPHER_get_auth_nid(sk_SSL_CIPHER_value(ciphers, i));
		if (auth == signing || auth == NID_auth_null)
			return true;
	}
	return fail(loading, "TLSCiphers",
		signing == NID_auth_rsa ? "none for TLS 1.2 goes with the key, which is one of "
					  "RSA: allow some, as in "
					  "ECDHE+AESGCM, or have TLSProtocols TLSv1.3"
					: "none for TLS 1.2 goes with the key, which is one of "
					  "elliptic curves: allow "
					  "some, as in ECDHE+AESGCM, or have TLSProtocols TLSv1.3");
}

static bool
choose_protocols(struct loading *loading)
{
	unsigned wanted = loading->plan->protocols;
	SSL_CTX *context = loading->tls->context;
	int least = wanted & TLS_PROTOCOL_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
	int most = wanted & TLS_PROTOCOL_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
	return (SSL_CTX_set_min_proto_version(context, least) == 1 &&
		       SSL_CTX_set_max_proto_version(context, most) == 1) ||
	       fail(loading, "TLSProtocols", tls_file_reason());
}

static bool
set_up_context(struct loading *loading)
{
	struct tls *tls = loading->tls;
	tls->context = SSL_CTX_new(TLS_server_method());
	tls->wire = tls_io_method();
	if (tls->context == NULL || tls->wire == NULL)
		return fail(loading, "Listen", tls_file_reason());
	SSL_CTX_set_options(tls->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
						  SSL_OP_CIPHER_SERVER_PREFERENCE |
						  SSL_OP_PRIORITIZE_CHACHA);
	/* A chain that is sent is the one in the file, not what the clients' authorities could complete. */
	SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_session_cache_mode(tls->context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(tls->context, TLS_TICKETS_ROTATE_MS / 1000);
	SSL_CTX_set_read_ahead(tls->context, 1);
	SSL_CTX_set_default_read_buffer_len(tls->context, READ_AHEAD_BYTES);
	if (SSL_CTX_get_security_level(tls->context) < SECURITY_LEVEL)
		SSL_CTX_set_security_level(tls->context, SECURITY_LEVEL);
	return loading->plan->tickets == NULL ||
	       tls_tickets_use(tls->context, loading->plan->tickets) == 0;
}

struct tls *
tls_load(const struct tls_plan *plan, struct buf *errors, struct buf *warnings)
{
	struct tls *tls = calloc(1, sizeof *tls);
	struct loading loading = {.plan = plan,
		.tls = tls,
		.all = EVP_MD_CTX_new(),
		.errors = errors,
		.warnings = warnings};
	bool good = tls != NULL && loading.all != NULL &&
	            EVP_DigestInit_ex(loading.all, EVP_sha256(), NULL) == 1;
	if (!good)
		fail(&loading, "Listen", "there is no memory for TLS");
	if (good && (good = set_up_context(&loading))) {
		/* All of them: each tells what is wrong with it. */
		good &= load_pair(&loading);
		good &= load_authorities(&loading);
		good &= choose_protocols(&loading);
		good &= choose_ciphers(&loading) && check_ciphers_fit(&loading);
		good &= EVP_DigestFinal_ex(loading.all, tls->digest, NULL) == 1;
	}
	EVP_MD_CTX_free(loading.all);
	ERR_clear_error();
	if (good)
		return tls;
	tls_free(tls);
	return NULL;
}

bool
tls_is_same(const struct tls *a, const struct tls *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	SSL_CTX_free(tls->context);
	tls_io_method_free(tls->wire);
	free(tls);
}
