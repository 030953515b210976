/* SPDX-License-Identifier: ISC */
/* Reads PEM from memory; the memory is wiped, as it may have held a key. */
#include "net/tls_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *
tls_file_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	return reason == NULL ? "OpenSSL does not say why" : reason;
}

/* 0, or -1 with errno: EFBIG, or EINVAL where it is no regular file. */
static int
read_all(int fd, struct tls_file *file)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -1;
	if (!S_ISREG(status.st_mode))
		return errno = EINVAL, -1;
	for (;;) {
		ssize_t n = read(fd, file->data + file->len, TLS_FILE_BYTES_MAX + 1 - file->len);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -1;
		file->len += n > 0 ? (size_t)n : 0;
		if (file->len > TLS_FILE_BYTES_MAX)
			return errno = EFBIG, -1;
	}
}

static int
open_and_read(struct tls_file *file)
{
	/* A FIFO must not keep us waiting. */
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -1;
	int result = read_all(fd, file), saved = errno;
	close(fd);
	errno = saved;
	return result;
}

int
tls_file_read(struct tls_file *file, const char *directive, const char *path, struct buf *errors)
{
	/* All at once: a buffer that grows would leave parts of a key behind. */
	*file = (struct tls_file){
		.directive = directive, .path = path, .data = malloc(TLS_FILE_BYTES_MAX + 1)};
	if (file->data != NULL && open_and_read(file) == 0)
		return 0;
	buf_printf(errors, "%s: cannot read %s: %s\n", directive, path,
		errno == EINVAL ? "it is no regular file" : strerrordesc_np(errno));
	return -1;
}

void
tls_file_fini(struct tls_file *file)
{
	if (file->data != NULL)
		OPENSSL_cleanse(file->data, file->len);
	free(file->data);
	*file = (struct tls_file){0};
}

/* Nobody is there to type one. */
static int
no_passphrase(char *room, int size, int writing, void *asked)
{
	(void)room;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

/* The next certificate: 1; 0 at the end; -1 where one cannot be read. */
static int
next_certificate(BIO *bio, STACK_OF(X509) * certificates)
{
	bool asked = false;
	X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, &asked);
	if (certificate != NULL && sk_X509_push(certificates, certificate) > 0)
		return 1;
	X509_free(certificate);
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return -1;
	ERR_clear_error();
	return 0;
}

static void
tell_bad(const struct tls_file *file, size_t count, int result, struct buf *errors)
{
	if (result < 0)
		buf_printf(errors, "%s: certificate %zu in %s cannot be read: %s\n",
			file->directive, count + 1, file->path, tls_file_reason());
	else
		buf_printf(errors,
			"%s: there is no certificate in %s, it must be in PEM form: -----BEGIN "
			"CERTIFICATE-----\n",
			file->directive, file->path);
}

struct stack_st_X509 *
tls_file_certificates(const struct tls_file *file, struct buf *errors)
{
	BIO *bio = BIO_new_mem_buf(file->data, (int)file->len);
	STACK_OF(X509) *certificates = sk_X509_new_null();
	int result = bio == NULL || certificates == NULL ? -1 : 1;
	ERR_clear_error();
	while (result > 0)
		result = next_certificate(bio, certificates);
	size_t count = certificates == NULL ? 0 : (size_t)sk_X509_num(certificates);
	BIO_free(bio);
	if (result == 0 && count > 0)
		return certificates;
	tell_bad(file, count, result, errors);
	sk_X509_pop_free(certificates, X509_free);
	return NULL;
}

struct evp_pkey_st *
tls_file_key(const struct tls_file *file, struct buf *errors)
{
	bool asked = false;
	ERR_clear_error();
	BIO *bio = BIO_new_mem_buf(file->data, (int)file->len);
	EVP_PKEY *key = bio == NULL ? NULL
	                            : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
	BIO_free(bio);
	if (key != NULL)
		return key;
	buf_printf(errors, "%s: %s %s, %s\n", file->directive,
		asked ? "a passphrase is wanted for" : "there is no private key in", file->path,
		asked ? "which nobody could type; use a key without one"
		      : "it must be in PEM form: -----BEGIN PRIVATE KEY-----");
	return NULL;
}
