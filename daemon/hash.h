/*
 * hash.h - FNV-1a, 64 bits: not for secrets, only to tell answers apart. Pure.
 *
 * Start with HASH_START and put one thing after the other into it.
 */
#pragma once

#include <stdint.h>

#define HASH_START 0xcbf29ce484222325u

/* The hash of what was hashed so far and a number, or a text with its end: "a", "b" is not "ab". */
uint64_t hash_number(uint64_t hash, uint64_t number);
uint64_t hash_text(uint64_t hash, const char *text);
