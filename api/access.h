/*
 * access.h - who may do what: three classes of requests, each of which includes those before it.
 * Pure; any thread.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>

enum access {
    ACCESS_NONE,
    ACCESS_READ,    /* every GET but the next class's */
    ACCESS_OPERATE, /* upgrade, backup, cancel a job, write a script, read what was refused */
    ACCESS_DESTROY, /* downgrade, stamp: what can lose data or truth */
};

/* "none", "read", "operate", "destroy". */
const char *access_name(enum access access);

/* The class of this name; "none" is nobody's. False when there is none. */
must_check bool access_find(const char *name, enum access *ret);
