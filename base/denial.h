/*
 * denial.h - a request that was not let in, as a value: what HTTP refuses, the journal keeps and an
 * operator reads.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Texts are printable and live in the arena of whoever made the value. */
struct denial {
    int64_t at_us;      /* wall clock */
    const char *reason; /* "peer", "token", "access", "host", "origin" */
    const char *actor;  /* "uid 1000 (deploy)", "token ci", "tcp" */
    const char *method;
    const char *path;  /* without the query */
    uint64_t repeated; /* how many more like it came within a minute and are not kept singly */
};

struct denials {
    struct denial *items; /* newest first */
    size_t count;
};
