/*
 * etag.h - entity tags (RFC 9110 section 8.8.3), and the lists of them in If-Match and
 * If-None-Match. Pure.
 *
 * A tag is `"RRRRRRRRRRRRRRRR.BBBBBBBBBBBBBBBB"`: a hash of the version rows and one of the body,
 * in hexadecimal digits. All are strong: the same tag means the same bytes. The first part is what
 * a precondition is about: it stays the same while only times and progress move.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETAG_SIZE (2 + 16 + 1 + 16 + 1) /* with quotes, the dot and the terminator */

/* The tag of a body, terminated. rows_tag: as in struct snapshot; 0 while rows are not known. */
void etag_of_body(uint64_t rows_tag, const void *bytes, size_t len, char text[ETAG_SIZE]);

/* Whether a header's list names this tag; "*" names every tag. For If-None-Match, which compares
 * weakly: a weak mark is not looked at. What is not a list of tags names nothing. */
bool etag_list_has(const char *list, const char *etag);

/* Whether a header's list names a tag of these rows, whatever the body; "*" names the tags of all
 * rows. For If-Match, which compares strongly: a tag with a weak mark names nothing. Nothing names
 * rows that are not known (0). */
bool etag_list_has_rows(const char *list, uint64_t rows_tag);
