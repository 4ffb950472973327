/*
 * current_cache.h - the last answer of /current, kept as it goes over the wire.
 *
 * Monitoring asks the same question all day; the answer is encoded again only when the snapshot
 * says something else. Belongs to one http thread, so nothing guards it.
 */
#pragma once

#include "api/backend.h"

#include <microhttpd.h>

/* Zeroed: empty. */
struct current_cache {
    struct MHD_Response *response; /* NULL: empty */
    uint64_t etag;
    int64_t observed_us;
    uint64_t elapsed_ms; /* of the running job */
    bool is_stale;
};

/* The answer for this snapshot, ETag included; the cache's own reference, valid until the next
 * call. NULL when memory is short. */
struct MHD_Response *current_cache_get(struct current_cache *cache,
                                       const struct snapshot *snapshot);
void current_cache_release(struct current_cache *cache); /* empty again */
