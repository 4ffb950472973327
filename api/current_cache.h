/*
 * current_cache.h - the last answers of /current, kept as they go over the wire: one as JSON, one
 * as text.
 *
 * Monitoring asks the same question all day; the answer is encoded again only when the snapshot
 * says something else. Belongs to one http thread, so nothing guards it.
 */
#pragma once

#include "api/backend.h"
#include "api/etag.h"

#include <microhttpd.h>

/* An answer, with its headers. */
struct current_answer {
    struct MHD_Response *response; /* NULL: none yet */
    char etag[ETAG_SIZE];

    /* What of the snapshot it was made from. */
    uint64_t snapshot_etag;
    int64_t observed_us; /* 0 while it was not stale */
    uint64_t elapsed_us; /* of the running job */
};

/* Zeroed: empty. */
struct current_cache {
    struct current_answer json;
    struct current_answer text;
};

/* The answer for this snapshot; the cache's own reference, valid until the next call. NULL when
 * memory is short. */
const struct current_answer *current_cache_get(struct current_cache *cache,
                                               const struct snapshot *snapshot, bool is_text);
void current_cache_release(struct current_cache *cache); /* empty again */
