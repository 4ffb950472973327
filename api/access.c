/*
 * access.c - the names of the classes.
 */
#include "api/access.h"

#include <string.h>

static const char *const names[] = {
    [ACCESS_NONE] = "none",
    [ACCESS_READ] = "read",
    [ACCESS_OPERATE] = "operate",
    [ACCESS_DESTROY] = "destroy",
};

const char *access_name(enum access access)
{
    return names[access];
}

bool access_find(const char *name, enum access *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *ret = (enum access) i;
            return true;
        }
    }
    return false;
}
