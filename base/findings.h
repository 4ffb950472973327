/*
 * findings.h - what is amiss with scripts and database.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* The worst first; each with its hint. */
struct findings {
    struct error *items;
    size_t count;
};
