/* SPDX-License-Identifier: ISC */
/*
 * A ring of keys and the number of the newest.  Nobody waits: a key is written where none has been in use for hours, and
 * then the number is raised.
 */
#include "net/tls_tickets.h"

#include <bsd/stdlib.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum { NAME_BYTES = 16, KEY_BYTES = 32, KEYS = 4 };

struct key {
	unsigned char name[NAME_BYTES]; /* stands in the ticket */
	unsigned char secret[KEY_BYTES], mac[KEY_BYTES];
};

struct tls_tickets {
	_Atomic uint64_t newest; /* the first one is 1 */
	int64_t due_ms;          /* of the next one; the supervisor's */
	struct key keys[KEYS];   /* of number n at n % KEYS */
};

size_t
tls_tickets_size(void)
{
	return sizeof(struct tls_tickets);
}

static void
make_key(struct tls_tickets *tickets, int64_t now_ms)
{
	uint64_t next = atomic_load_explicit(&tickets->newest, memory_order_relaxed) + 1;
	arc4random_buf(&tickets->keys[next % KEYS], sizeof tickets->keys[0]);
	/* The one that goes out of use now is nobody's any more. */
	OPENSSL_cleanse(&tickets->keys[(next + 1) % KEYS], sizeof tickets->keys[0]);
	tickets->due_ms = now_ms + TLS_TICKETS_ROTATE_MS;
	atomic_store_explicit(&tickets->newest, next, memory_order_release);
}

void
tls_tickets_init(void *memory, int64_t now_ms)
{
	make_key(memory, now_ms);
}

int
tls_tickets_run_timers(struct tls_tickets *tickets, int64_t now_ms)
{
	if (tickets->due_ms <= now_ms)
		make_key(tickets, now_ms);
	return (int)(tickets->due_ms - now_ms);
}

/* 1: *out is the key of that name, 2: it is and another one is newer; 0: there is none. */
static int
find_key(const struct tls_tickets *tickets, const unsigned char *name, struct key *out)
{
	uint64_t newest = atomic_load_explicit(&tickets->newest, memory_order_acquire);
	for (uint64_t back = 0; back < 2 && back < newest; back++) {
		const struct key *key = &tickets->keys[(newest - back) % KEYS];
		if (memcmp(key->name, name, NAME_BYTES) != 0)
			continue;
		memcpy(out, key, sizeof *out);
		return back == 0 ? 1 : 2;
	}
	return 0;
}

static void
take_newest(const struct tls_tickets *tickets, struct key *out)
{
	uint64_t newest = atomic_load_explicit(&tickets->newest, memory_order_acquire);
	memcpy(out, &tickets->keys[newest % KEYS], sizeof *out);
}

/* Both ciphers with the key: 1, or -1. */
static int
set_up(EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, struct key *key, const unsigned char *iv,
	int encrypt)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, KEY_BYTES),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	bool good = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->secret, iv, encrypt) ==
	                    1 &&
	            EVP_MAC_CTX_set_params(mac, params) == 1;
	OPENSSL_cleanse(key, sizeof *key);
	return good ? 1 : -1;
}

/* As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) wants it: 2 gives the client another ticket in the place of this one. */
static int
crypt_ticket(SSL *ssl, unsigned char name[NAME_BYTES], unsigned char iv[EVP_MAX_IV_LENGTH],
	EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	const struct tls_tickets *tickets = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	struct key key;
	if (encrypt) {
		take_newest(tickets, &key);
		memcpy(name, key.name, NAME_BYTES);
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
			return -1;
		return set_up(cipher, mac, &key, iv, 1);
	}
	int found = find_key(tickets, name, &key);
	if (found == 0 || set_up(cipher, mac, &key, iv, 0) < 0)
		return 0;
	/* With TLS 1.3 a ticket is for one use. */
	return SSL_version(ssl) >= TLS1_3_VERSION ? 2 : found;
}

int
tls_tickets_use(struct ssl_ctx_st *context, struct tls_tickets *tickets)
{
	SSL_CTX_set_app_data(context, tickets);
	return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, crypt_ticket) == 1 ? 0 : -1;
}
