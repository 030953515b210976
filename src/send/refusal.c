/* SPDX-License-Identifier: ISC */
/* Words for what OpenSSL tells by numbers. */
#include "send/refusal.h"

#include <arpa/inet.h>
#include <bsd/string.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { PIECE_MAX = 120, NAMES_MAX = 3 };

static void
say(struct refusal *refusal, const char *words)
{
	strlcat(refusal->text, words, sizeof refusal->text);
}

/* The other side's text. */
static void
say_theirs(struct refusal *refusal, const void *bytes, int len)
{
	char piece[PIECE_MAX];
	size_t n = 0;
	for (const char *at = bytes; len > 0 && n + 1 < sizeof piece; at++, len--)
		piece[n++] = (char)(*at >= 0x20 && *at < 0x7f ? *at : '?');
	piece[n] = '\0';
	say(refusal, piece);
}

static void
say_subject(struct refusal *refusal, const X509_NAME *name)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *text = NULL;
	if (memory != NULL && X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253) >= 0) {
		long len = BIO_get_mem_data(memory, &text);
		say_theirs(refusal, text, (int)len);
	}
	BIO_free(memory);
}

static void
say_time(struct refusal *refusal, const ASN1_TIME *time)
{
	struct tm tm;
	char text[32];
	if (ASN1_TIME_to_tm(time, &tm) == 1 &&
		strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm) > 0)
		say(refusal, text);
}

/* One of the names that the certificate is for.  False for those that are no host's. */
static bool
say_host(struct refusal *refusal, const GENERAL_NAME *name)
{
	if (name->type != GEN_DNS && name->type != GEN_IPADD)
		return false;
	const ASN1_STRING *string = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
	const unsigned char *bytes = ASN1_STRING_get0_data(string);
	int len = ASN1_STRING_length(string);
	char address[INET6_ADDRSTRLEN] = "";
	if (name->type == GEN_DNS)
		say_theirs(refusal, bytes, len);
	else if (len == 4 || len == 16)
		say(refusal,
			inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, address, sizeof address));
	return true;
}

static void
say_hosts(struct refusal *refusal, const X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int told = 0, count = names != NULL ? sk_GENERAL_NAME_num(names) : 0;
	for (int i = 0; i < count && told < NAMES_MAX; i++) {
		size_t before = strlen(refusal->text);
		if (told > 0)
			say(refusal, ", ");
		if (say_host(refusal, sk_GENERAL_NAME_value(names, i)))
			told++;
		else
			refusal->text[before] = '\0';
	}
	if (told == 0)
		say_subject(refusal, X509_get_subject_name(certificate));
	GENERAL_NAMES_free(names);
}

static void
say_wrong_name(struct refusal *refusal, const X509 *at, const char *name)
{
	say(refusal, "the server's certificate is for ");
	if (at != NULL)
		say_hosts(refusal, at);
	say(refusal, ", not for ");
	say(refusal, name);
	say(refusal, ": connect by a name that it has, or give that one with --tls-name");
}

static void
say_wrong_time(struct refusal *refusal, int error, const X509 *at)
{
	bool late = error == X509_V_ERR_CERT_HAS_EXPIRED;
	say(refusal, late ? "the server's certificate expired" : "the server's certificate begins");
	if (at != NULL) {
		say(refusal, late ? " on " : " only on ");
		say_time(refusal, late ? X509_get0_notAfter(at) : X509_get0_notBefore(at));
	}
	say(refusal, late ? ": the server needs a new one" : ": is the clock here right?");
}

static void
say_unknown_issuer(struct refusal *refusal, const X509 *at)
{
	say(refusal, "the server's certificate comes from an authority that is not trusted");
	if (at != NULL) {
		say(refusal, ", ");
		say_subject(refusal, X509_get_issuer_name(at));
	}
	say(refusal, ": give that authority's certificate with --cafile");
}

void
refusal_of_certificate(struct refusal *refusal, int error, const X509 *at, const char *name)
{
	*refusal = (struct refusal){.final = true};
	switch (error) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		say_wrong_name(refusal, at, name);
		return;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		say_wrong_time(refusal, error, at);
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		say(refusal,
			"the server's certificate is self-signed: if it is the right one, give it "
			"with --cafile");
		return;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		say_unknown_issuer(refusal, at);
		return;
	default:
		say(refusal, "the server's certificate is not accepted: ");
		say(refusal, X509_verify_cert_error_string(error));
	}
}

/* What OpenSSL says, and what it means here.  An alert of the server is its number and 1000. */
static const struct {
	int reason;
	bool final;
	const char *text;
} errors[] = {
	{SSL_R_WRONG_VERSION_NUMBER, false,
		"the server does not speak TLS there: leave out --tls, or give the port that has "
		"it"},
	{SSL_R_UNSUPPORTED_PROTOCOL, true,
		"the server speaks nothing newer than TLS 1.1: TLS 1.2 is the least"},
	{SSL_R_UNEXPECTED_EOF_WHILE_READING, false, "the server cut the connection"},
	{SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REQUIRED, true,
		"the server refused us: it wants a certificate, give it with --cert and --key"},
	{SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_CA, true,
		"the server refused our certificate: give one of an authority that it trusts"},
	{SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_EXPIRED, true,
		"the server refused our certificate, which has expired: give a new one"},
	{SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REVOKED, true,
		"the server refused our certificate, which is revoked: give a new one"},
	{SSL_AD_REASON_OFFSET + SSL_AD_BAD_CERTIFICATE, true,
		"the server refused our certificate: give another with --cert and --key"},
	{SSL_AD_REASON_OFFSET + SSL_AD_UNSUPPORTED_CERTIFICATE, true,
		"the server refused our certificate: give one that is made for clients"},
	{SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_UNKNOWN, true,
		"the server refused our certificate: give another with --cert and --key"},
	{SSL_AD_REASON_OFFSET + SSL_AD_ACCESS_DENIED, true, "access denied"},
	{SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE, true,
		"the server refused us: no cipher is common, or it wants a certificate (--cert)"},
	{SSL_AD_REASON_OFFSET + SSL_AD_PROTOCOL_VERSION, true,
		"the server refused us: it speaks nothing newer than TLS 1.1, TLS 1.2 is the "
		"least"},
	{SSL_AD_REASON_OFFSET + SSL_AD_UNRECOGNIZED_NAME, true,
		"the server refused the name: give the one it has with --tls-name"},
};

void
refusal_of_error(struct refusal *refusal, unsigned long error)
{
	int reason = ERR_GET_REASON(error);
	const char *said = ERR_reason_error_string(error);
	*refusal = (struct refusal){.final = false};
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		if (ERR_GET_LIB(error) == ERR_LIB_SSL && errors[i].reason == reason) {
			refusal->final = errors[i].final;
			say(refusal, errors[i].text);
			return;
		}
	}
	say(refusal, "TLS failed: ");
	say(refusal, said != NULL ? said : "for no reason that is known");
}
