/*
 * hash.c - the hash that isthe.com/chongo/tech/comp/fnv describes.
 */
#include "daemon/hash.h"

#include <string.h>

#define HASH_PRIME 0x100000001b3u

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *next = bytes;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ next[i]) * HASH_PRIME;
    return hash;
}

uint64_t hash_number(uint64_t hash, uint64_t number)
{
    return hash_bytes(hash, &number, sizeof(number));
}

uint64_t hash_text(uint64_t hash, const char *text)
{
    return hash_bytes(hash, text, strlen(text) + 1);
}
