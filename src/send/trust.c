/* SPDX-License-Identifier: ISC */
/* Certificates, keys and what is asked of a server, put into a context of OpenSSL. */
#include "send/trust.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "send/wire.h"

/* Nobody is asked for a passphrase: standard input may be the log. */
static int
refuse_passphrase(char *passphrase, int size, int for_writing, void *asked)
{
	(void)passphrase, (void)size, (void)for_writing;
	*(bool *)asked = true;
	return -1;
}

static int
check_readable(const char *file, struct buf *error)
{
	if (access(file, R_OK) == 0)
		return 0;
	buf_printf(error, "%s: %s", file, strerror(errno));
	return -1;
}

static int
trust_authorities(struct trust *trust, struct buf *error)
{
	const char *file = trust->options->ca_file;
	if (trust->options->insecure) {
		SSL_CTX_set_verify(trust->context, SSL_VERIFY_NONE, NULL);
		return 0;
	}
	if (file == NULL) {
		SSL_CTX_set_default_verify_paths(trust->context);
		return 0;
	}
	if (check_readable(file, error) != 0)
		return -1;
	if (SSL_CTX_load_verify_file(trust->context, file) == 1)
		return 0;
	buf_printf(error, "%s: holds no certificate in PEM form", file);
	return -1;
}

static int
load_certificate(struct trust *trust, struct buf *error)
{
	const char *file = trust->options->cert_file;
	if (check_readable(file, error) != 0)
		return -1;
	if (SSL_CTX_use_certificate_chain_file(trust->context, file) == 1)
		return 0;
	unsigned long code = ERR_peek_last_error();
	if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) != ERR_R_PEM_LIB)
		buf_printf(error, "%s: is refused here: %s", file, ERR_reason_error_string(code));
	else
		buf_printf(error, "%s: holds no certificate in PEM form", file);
	return -1;
}

static int
load_key(struct trust *trust, struct buf *error)
{
	const struct trust_options *options = trust->options;
	const char *file = options->key_file != NULL ? options->key_file : options->cert_file;
	bool asked = false;
	if (check_readable(file, error) != 0)
		return -1;
	SSL_CTX_set_default_passwd_cb_userdata(trust->context, &asked);
	ERR_clear_error();
	int ok = SSL_CTX_use_PrivateKey_file(trust->context, file, SSL_FILETYPE_PEM);
	SSL_CTX_set_default_passwd_cb_userdata(trust->context, NULL);
	unsigned long code = ERR_peek_last_error();
	if (ok == 1)
		return 0;
	if (asked)
		buf_printf(error, "%s: the key has a passphrase: give one without", file);
	else if (ERR_GET_LIB(code) == ERR_LIB_X509 &&
		 (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
			 ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH))
		buf_printf(error, "%s: is not the key of the certificate in %s", file,
			options->cert_file);
	else
		buf_printf(error, "%s: holds no key in PEM form%s", file,
			options->key_file != NULL ? "" : ": give it with --key");
	return -1;
}

static int
set_up(struct trust *trust, struct buf *error)
{
	SSL_CTX *context = trust->context;
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	/* What is unsent moves and grows between two tries to send it. */
	SSL_CTX_set_mode(
		context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_default_passwd_cb(context, refuse_passphrase);
	/* A certificate that the user names is trusted, whoever signed it. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
	if (trust_authorities(trust, error) != 0)
		return -1;
	if (trust->options->cert_file == NULL)
		return 0;
	return load_certificate(trust, error) == 0 && load_key(trust, error) == 0 ? 0 : -1;
}

int
trust_init(struct trust *trust, const struct trust_options *options, struct buf *error)
{
	*trust = (struct trust){
		.options = options,
		.context = SSL_CTX_new(TLS_client_method()),
		.method = wire_method_new(),
	};
	if (trust->context == NULL || trust->method == NULL)
		buf_printf(error, "TLS cannot be had: memory is short");
	else if (set_up(trust, error) == 0)
		return 0;
	trust_fini(trust);
	return -1;
}

void
trust_fini(struct trust *trust)
{
	SSL_CTX_free(trust->context);
	BIO_meth_free(trust->method);
	*trust = (struct trust){0};
}
