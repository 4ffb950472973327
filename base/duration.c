/*
 * duration.c - reading lengths of time.
 */
#include "base/duration.h"

#include <string.h>

bool duration_parse(struct str text, uint32_t unit_ms, uint32_t *ret_ms)
{
    static const struct {
        const char *suffix;
        uint32_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
    uint64_t number = 0;

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (str_ends_with(text, units[i].suffix)) {
            unit_ms = units[i].ms;
            text = str_sub(text, 0, text.len - strlen(units[i].suffix));
            break;
        }
    }
    if (!str_to_u64(text, UINT32_MAX / unit_ms, &number))
        return false;
    *ret_ms = (uint32_t) number * unit_ms;
    return true;
}
