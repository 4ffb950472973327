/*
 * digest.h - SHA-256, random ids and constant-time comparison, over GnuTLS's crypto.h. Any thread.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_SIZE     32
#define DIGEST_HEX_SIZE 65 /* 64 lower-case digits and the terminator */

void digest_sha256(const void *bytes, size_t len, unsigned char digest[DIGEST_SIZE]);
void digest_sha256_hex(const void *bytes, size_t len, char hex[DIGEST_HEX_SIZE]);

/* `digits` random lower-case hexadecimal digits and a terminator; text holds digits + 1 bytes,
 * digits <= 64. */
void digest_random_hex(char *text, size_t digits);

/* Takes the same time whatever the bytes are. */
bool digest_equal(const unsigned char a[DIGEST_SIZE], const unsigned char b[DIGEST_SIZE]);
