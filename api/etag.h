/*
 * etag.h - entity tags (RFC 9110 section 8.8.3): a number as a tag, and the lists in If-Match and
 * If-None-Match. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ETAG_SIZE 19 /* 16 hexadecimal digits, two quotes and the terminator */

/* "\"00000000000000a7\"", terminated. */
void etag_format(uint64_t number, char text[ETAG_SIZE]);

/* Whether a header's list names this tag; "*" names every tag. Weak marks are not looked at: all
 * tags of ours are strong. What is not a list of tags names nothing. */
bool etag_list_has(const char *list, const char *etag);
