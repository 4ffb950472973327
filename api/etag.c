/*
 * etag.c - entity tags, written and looked for.
 */
#include "api/etag.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROWS_LEN (1 + 16 + 1) /* the quote, the rows' digits, the dot */

/* FNV-1a, 64 bit. */
static uint64_t hash(const unsigned char *bytes, size_t len)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        value = (value ^ bytes[i]) * UINT64_C(0x100000001b3);
    return value;
}

void etag_of_body(uint64_t rows_tag, const void *bytes, size_t len, char text[ETAG_SIZE])
{
    (void) snprintf(text, ETAG_SIZE, "\"%016" PRIx64 ".%016" PRIx64 "\"", rows_tag,
                    hash(bytes, len));
}

/* Take the first tag from a list. */
static struct str next_tag(struct str *list)
{
    size_t comma = str_find_char(*list, ',', 0);
    struct str tag = str_trim(str_sub(*list, 0, comma));

    *list = str_sub(*list, comma + 1, list->len);
    return tag;
}

static struct str without_weak_mark(struct str tag)
{
    return str_starts_with(tag, "W/") ? str_sub(tag, 2, tag.len) : tag;
}

bool etag_list_has(const char *list, const char *etag)
{
    struct str rest = str_trim(str_of(list));

    if (str_is(rest, "*"))
        return true;
    while (rest.len > 0) {
        if (str_is(without_weak_mark(next_tag(&rest)), etag))
            return true;
    }
    return false;
}

bool etag_list_has_rows(const char *list, uint64_t rows_tag)
{
    struct str rest = str_trim(str_of(list));
    char beginning[ROWS_LEN + 1];

    if (rows_tag == 0)
        return false;
    if (str_is(rest, "*"))
        return true;
    (void) snprintf(beginning, sizeof(beginning), "\"%016" PRIx64 ".", rows_tag);
    while (rest.len > 0) {
        struct str tag = next_tag(&rest);

        if (tag.len == ETAG_SIZE - 1 && str_starts_with(tag, beginning))
            return true;
    }
    return false;
}
