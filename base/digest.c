/*
 * digest.c - GnuTLS's crypto.h, with failures turned into an abort: without randomness or SHA-256
 * nothing here is safe.
 */
#include "base/digest.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

static const char hex_digits[] = "0123456789abcdef";

void digest_sha256(const void *bytes, size_t len, unsigned char digest[DIGEST_SIZE])
{
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, len, digest) != 0)
        abort();
}

void digest_sha256_hex(const void *bytes, size_t len, char hex[DIGEST_HEX_SIZE])
{
    unsigned char digest[DIGEST_SIZE];

    digest_sha256(bytes, len, digest);
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        hex[2 * i] = hex_digits[digest[i] >> 4];
        hex[2 * i + 1] = hex_digits[digest[i] & 0x0f];
    }
    hex[DIGEST_HEX_SIZE - 1] = '\0';
}

void digest_random_hex(char *text, size_t digits)
{
    unsigned char bytes[64];

    assert(digits <= sizeof(bytes));
    if (gnutls_rnd(GNUTLS_RND_NONCE, bytes, digits) != 0)
        abort();
    for (size_t i = 0; i < digits; i++)
        text[i] = hex_digits[bytes[i] & 0x0f];
    text[digits] = '\0';
}

bool digest_equal(const unsigned char a[DIGEST_SIZE], const unsigned char b[DIGEST_SIZE])
{
    return gnutls_memcmp(a, b, DIGEST_SIZE) == 0;
}
