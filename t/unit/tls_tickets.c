/* SPDX-License-Identifier: ISC */
/* Tickets of one context are good at another one with the same keys, for one renewal of these and no longer. */
#include "net/tls_tickets.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>

#include "unit/tap.h"

static EVP_PKEY *key;
static X509 *certificate;

static void
make_pair(void)
{
	key = EVP_EC_gen("P-256");
	certificate = X509_new();
	CU_ASSERT_PTR_NOT_NULL_FATAL(key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(certificate);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	CU_ASSERT_FATAL(X509_sign(certificate, key, EVP_sha256()) > 0);
}

/* As one worker has it: the keys are all that it shares with others. */
static SSL_CTX *
make_server(struct tls_tickets *tickets)
{
	SSL_CTX *server = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(server, certificate);
	SSL_CTX_use_PrivateKey(server, key);
	SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
	CU_ASSERT_EQUAL(tls_tickets_use(server, tickets), 0);
	return server;
}

/* Whether the client's session was resumed; *session becomes the one that it has from then on. */
static bool
meet(struct tls_tickets *tickets, int version, SSL_SESSION **session)
{
	SSL_CTX *contexts[2] = {make_server(tickets), SSL_CTX_new(TLS_client_method())};
	SSL *server = SSL_new(contexts[0]), *client = SSL_new(contexts[1]);
	BIO *a, *b;
	char byte;
	SSL_set_max_proto_version(client, version);
	BIO_new_bio_pair(&a, 0, &b, 0);
	SSL_set_bio(server, a, a);
	SSL_set_bio(client, b, b);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	if (*session != NULL)
		SSL_set_session(client, *session);
	for (int i = 0; i < 10; i++) {
		SSL_do_handshake(client);
		SSL_do_handshake(server);
	}
	CU_ASSERT_TRUE(SSL_is_init_finished(server));
	SSL_read(client, &byte, 1); /* the tickets of TLS 1.3 */
	bool resumed = SSL_session_reused(server) == 1;
	SSL_SESSION_free(*session);
	*session = SSL_get1_session(client);
	SSL_shutdown(client);
	SSL_free(server);
	SSL_free(client);
	SSL_CTX_free(contexts[0]);
	SSL_CTX_free(contexts[1]);
	return resumed;
}

static void
renewals(void)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	for (size_t i = 0; i < 2; i++) {
		struct tls_tickets *tickets = calloc(1, tls_tickets_size());
		SSL_SESSION *session = NULL, *old = NULL;
		int64_t now_ms = 1000;
		CU_ASSERT_PTR_NOT_NULL_FATAL(tickets);
		tls_tickets_init(tickets, now_ms);
		CU_ASSERT_FALSE(meet(tickets, versions[i], &session));
		CU_ASSERT_TRUE(meet(tickets, versions[i], &session));
		CU_ASSERT_EQUAL(tls_tickets_run_timers(tickets, now_ms), TLS_TICKETS_ROTATE_MS);
		now_ms += TLS_TICKETS_ROTATE_MS - 1;
		CU_ASSERT_EQUAL(tls_tickets_run_timers(tickets, now_ms), 1);
		/* Given an hour ago, it is good once more, and another one comes for it. */
		CU_ASSERT_EQUAL(tls_tickets_run_timers(tickets, ++now_ms), TLS_TICKETS_ROTATE_MS);
		SSL_SESSION_up_ref(session);
		old = session;
		CU_ASSERT_TRUE(meet(tickets, versions[i], &session));
		CU_ASSERT_PTR_NOT_EQUAL(session, old);
		tls_tickets_run_timers(tickets, now_ms += TLS_TICKETS_ROTATE_MS);
		CU_ASSERT_FALSE(meet(tickets, versions[i], &old));
		CU_ASSERT_TRUE(meet(tickets, versions[i], &session));
		for (int n = 0; n < 10; n++) {
			tls_tickets_run_timers(tickets, now_ms += TLS_TICKETS_ROTATE_MS);
			CU_ASSERT_TRUE(meet(tickets, versions[i], &session));
		}
		SSL_SESSION_free(session);
		SSL_SESSION_free(old);
		free(tickets);
	}
}

static void
other_keys(void)
{
	struct tls_tickets *ours = calloc(1, tls_tickets_size()), *theirs;
	SSL_SESSION *session = NULL;
	theirs = calloc(1, tls_tickets_size());
	CU_ASSERT_PTR_NOT_NULL_FATAL(ours);
	CU_ASSERT_PTR_NOT_NULL_FATAL(theirs);
	tls_tickets_init(ours, 0);
	tls_tickets_init(theirs, 0);
	CU_ASSERT_FALSE(meet(theirs, TLS1_3_VERSION, &session));
	CU_ASSERT_FALSE(meet(ours, TLS1_3_VERSION, &session));
	SSL_SESSION_free(session);
	free(ours);
	free(theirs);
}

int
main(void)
{
	static const struct tap_case cases[] = {
		{"a pair to meet with", make_pair},
		{"a ticket is good until its key was renewed twice", renewals},
		{"tickets of another daemon are of no use", other_keys},
		{NULL, NULL},
	};
	int status = tap_main("tls_tickets", cases);
	EVP_PKEY_free(key);
	X509_free(certificate);
	return status;
}
