/* SPDX-License-Identifier: ISC */
/* What is said of certificates and alerts: each says what would be right, and none drives a terminal. */
#include "send/refusal.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "unit/tap.h"

static bool
holds(const struct refusal *refusal, const char *words)
{
	return strstr(refusal->text, words) != NULL;
}

static void
certificates(void)
{
	struct refusal refusal;
	refusal_of_certificate(&refusal, X509_V_ERR_CERT_HAS_EXPIRED, NULL, "here");
	CU_ASSERT_TRUE(refusal.final && holds(&refusal, "expired: the server needs a new one"));
	refusal_of_certificate(&refusal, X509_V_ERR_HOSTNAME_MISMATCH, NULL, "here");
	CU_ASSERT_TRUE(refusal.final && holds(&refusal, "not for here: ") &&
		       holds(&refusal, "--tls-name"));
	refusal_of_certificate(&refusal, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, NULL, "here");
	CU_ASSERT_TRUE(refusal.final && holds(&refusal, "--cafile"));
	refusal_of_certificate(&refusal, X509_V_ERR_CERT_REVOKED, NULL, "here");
	CU_ASSERT_TRUE(refusal.final && holds(&refusal, "not accepted: certificate revoked"));
}

/* Four bytes and sixteen are an address; what is not text, what is too much and no name are told, too. */
static void
names(void)
{
	struct refusal refusal;
	X509 *certificate = X509_new();
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	static const char *const hosts[] = {
		"IP:192.0.2.1", "email:a@b", "IP:2001:db8::1", "DNS:\x1b[2J\xff", "DNS:no more"};
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		char kind[8];
		const char *value = strchr(hosts[i], ':') + 1;
		snprintf(kind, sizeof kind, "%.*s", (int)(value - hosts[i]) - 1, hosts[i]);
		int type = kind[0] == 'I' ? GEN_IPADD : kind[0] == 'D' ? GEN_DNS : GEN_EMAIL;
		sk_GENERAL_NAME_push(all, a2i_GENERAL_NAME(NULL, NULL, NULL, type, value, 0));
	}
	X509_add1_ext_i2d(certificate, NID_subject_alt_name, all, 0, 0);
	refusal_of_certificate(&refusal, X509_V_ERR_HOSTNAME_MISMATCH, certificate, "here");
	CU_ASSERT_TRUE(holds(&refusal, "is for 192.0.2.1, 2001:db8::1, ?[2J?, not for here: "));
	GENERAL_NAMES_free(all);
	X509_free(certificate);
}

static void
endless_names(void)
{
	struct refusal refusal;
	char name[4096];
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	X509 *certificate = X509_new();
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "O", MBSTRING_ASC,
		(const unsigned char *)"x", -1, -1, 0);
	refusal_of_certificate(&refusal, X509_V_ERR_HOSTNAME_MISMATCH, certificate, name);
	CU_ASSERT_EQUAL(strlen(refusal.text), REFUSAL_MAX - 1);
	X509_free(certificate);
}

static void
alerts(void)
{
	struct refusal refusal;
	refusal_of_error(&refusal,
		ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REQUIRED));
	CU_ASSERT_TRUE(refusal.final && holds(&refusal, "--cert"));
	refusal_of_error(
		&refusal, ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + SSL_AD_INTERNAL_ERROR));
	CU_ASSERT_TRUE(!refusal.final && holds(&refusal, "TLS failed: "));
	refusal_of_error(&refusal, ERR_PACK(ERR_LIB_SSL, 0, SSL_R_WRONG_VERSION_NUMBER));
	CU_ASSERT_TRUE(!refusal.final && holds(&refusal, "leave out --tls"));
	refusal_of_error(&refusal, 0);
	CU_ASSERT_STRING_EQUAL(refusal.text, "TLS failed: for no reason that is known");
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"of a certificate: what is wrong, and what would be right", certificates},
		{"the names it has, a few of them, harmless", names},
		{"a text without an end is cut", endless_names},
		{"of alerts and of our own complaints", alerts},
		{NULL, NULL},
	};
	return tap_main("refusal", cases);
}
