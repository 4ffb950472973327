/*
 * current_cache.c - the last answer of /current.
 *
 * The snapshot's etag does not cover its two moving times, so they are compared as well: at most
 * one encoding a millisecond.
 */
#include "api/current_cache.h"

#include "api/etag.h"
#include "api/json.h"
#include "api/response.h"

#define US_PER_MS 1000

static uint64_t elapsed_ms(const struct snapshot *snapshot)
{
    return snapshot->has_running ? snapshot->running.elapsed_us / US_PER_MS : 0;
}

static bool is_of(const struct current_cache *cache, const struct snapshot *snapshot)
{
    return cache->response != NULL && cache->etag == snapshot->etag &&
           cache->observed_us / US_PER_MS == snapshot->observed_us / US_PER_MS &&
           cache->elapsed_ms == elapsed_ms(snapshot) && cache->is_stale == snapshot->is_stale;
}

struct MHD_Response *current_cache_get(struct current_cache *cache, const struct snapshot *snapshot)
{
    char etag[ETAG_SIZE];

    if (is_of(cache, snapshot))
        return cache->response;
    current_cache_release(cache);
    cache->response = response_of_json(json_of_current(snapshot), CONTENT_JSON);
    if (cache->response == NULL)
        return NULL;
    etag_format(snapshot->etag, etag);
    response_add(cache->response, MHD_HTTP_HEADER_ETAG, etag);
    cache->etag = snapshot->etag;
    cache->observed_us = snapshot->observed_us;
    cache->elapsed_ms = elapsed_ms(snapshot);
    cache->is_stale = snapshot->is_stale;
    return cache->response;
}

void current_cache_release(struct current_cache *cache)
{
    response_release(&cache->response);
    *cache = (struct current_cache){ 0 };
}
