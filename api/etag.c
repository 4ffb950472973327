/*
 * etag.c - entity tags, written and looked for.
 */
#include "api/etag.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void etag_format(uint64_t number, char text[ETAG_SIZE])
{
    (void) snprintf(text, ETAG_SIZE, "\"%016" PRIx64 "\"", number);
}

bool etag_list_has(const char *list, const char *etag)
{
    struct str rest = str_trim(str_of(list));

    if (str_is(rest, "*"))
        return true;
    while (rest.len > 0) {
        size_t comma = str_find_char(rest, ',', 0);
        struct str one = str_trim(str_sub(rest, 0, comma));

        if (str_starts_with(one, "W/"))
            one = str_sub(one, 2, one.len);
        if (str_is(one, etag))
            return true;
        rest = str_sub(rest, comma + 1, rest.len);
    }
    return false;
}
