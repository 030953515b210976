/* SPDX-License-Identifier: ISC */
/* Looks at what ForwardTLS and ForwardAuth name. */
#include "super/credentials.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/passfile.h"
#include "net/tls_file.h"

enum { PASSWORD_MAX = 1024 };

static const char directive[] = "ForwardTLS";

/* The certificates in a file; NULL, told. */
static STACK_OF(X509) * certificates_in(const char *path, struct buf *errors)
{
	struct tls_file file = {0};
	STACK_OF(X509) *found = NULL;
	if (tls_file_read(&file, directive, path, errors) == 0)
		found = tls_file_certificates(&file, errors);
	tls_file_fini(&file);
	return found;
}

static EVP_PKEY *
key_in(const char *path, struct buf *errors)
{
	struct tls_file file = {0};
	EVP_PKEY *key = NULL;
	if (tls_file_read(&file, directive, path, errors) == 0)
		key = tls_file_key(&file, errors);
	tls_file_fini(&file);
	return key;
}

static bool
check_authorities(const struct forward_tls *tls, struct buf *errors)
{
	if (tls->ca[0] == '\0')
		return true;
	STACK_OF(X509) *authorities = certificates_in(tls->ca, errors);
	sk_X509_pop_free(authorities, X509_free);
	return authorities != NULL;
}

static void
warn_of_time(const struct forward_tls *tls, const X509 *certificate, struct buf *warnings)
{
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		buf_printf(warnings,
			"%s: the certificate in %s has expired, engines will refuse it\n",
			directive, tls->cert);
}

static bool
check_pair(const struct forward_tls *tls, struct buf *errors, struct buf *warnings)
{
	if (tls->cert[0] == '\0')
		return true;
	STACK_OF(X509) *certificates = certificates_in(tls->cert, errors);
	EVP_PKEY *key = key_in(tls->key, errors);
	bool good = certificates != NULL && key != NULL;
	if (good)
		warn_of_time(tls, sk_X509_value(certificates, 0), warnings);
	if (good && X509_check_private_key(sk_X509_value(certificates, 0), key) != 1) {
		buf_printf(errors,
			"%s: the key in %s is not that of the certificate in %s, its own is "
			"wanted\n",
			directive, tls->key, tls->cert);
		good = false;
	}
	EVP_PKEY_free(key);
	sk_X509_pop_free(certificates, X509_free);
	return good;
}

static bool
check_password(const struct forward_auth *auth, struct buf *errors, struct buf *warnings)
{
	char password[PASSWORD_MAX];
	bool exposed;
	if (auth->user[0] == '\0')
		return true;
	const char *wrong = passfile_read(auth->passfile, password, sizeof password, &exposed);
	explicit_bzero(password, sizeof password);
	if (wrong != NULL)
		buf_printf(errors, "ForwardAuth: cannot read the password in %s: %s\n",
			auth->passfile, wrong);
	if (exposed)
		buf_printf(warnings, "ForwardAuth: everybody can read %s, have chmod o-r %s\n",
			auth->passfile, auth->passfile);
	return wrong == NULL;
}

int
credentials_check(const struct settings *settings, struct buf *errors, struct buf *warnings)
{
	const struct forward_tls *tls = &settings->forward_tls;
	bool good = true;
	if (settings->forward.scheme[0] == '\0')
		return 0;
	if (tls->on) {
		good &= check_authorities(tls, errors);
		good &= check_pair(tls, errors, warnings);
	}
	good &= check_password(&settings->forward_auth, errors, warnings);
	return good ? 0 : -1;
}
