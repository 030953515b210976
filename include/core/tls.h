/* SPDX-License-Identifier: ISC */
/* What the settings say of TLS, in words that both the table of directives and the net know. */
#ifndef CORE_TLS_H
#define CORE_TLS_H

/* TLSVerifyClient, in the order of its words. */
enum tls_verify {
	TLS_VERIFY_NONE,     /* no certificate is asked for */
	TLS_VERIFY_OPTIONAL, /* one that is presented has to be good */
	TLS_VERIFY_REQUIRE,
};

/* TLSProtocols: one bit each. */
enum tls_protocol {
	TLS_PROTOCOL_1_2 = 1 << 0,
	TLS_PROTOCOL_1_3 = 1 << 1,
};

#endif
