/*
 * current_cache.c - the last answers of /current.
 *
 * The snapshot's etag does not cover its moving times, so they are compared as well.
 */
#include "api/current_cache.h"

#include "api/json.h"
#include "api/response.h"
#include "api/text.h"

#include <stdlib.h>
#include <string.h>

static int64_t observed_us(const struct snapshot *snapshot)
{
    return snapshot->is_stale ? snapshot->observed_us : 0;
}

static uint64_t elapsed_us(const struct snapshot *snapshot)
{
    return snapshot->has_running ? snapshot->running.elapsed_us : 0;
}

static bool is_of(const struct current_answer *answer, const struct snapshot *snapshot)
{
    return answer->response != NULL && answer->snapshot_etag == snapshot->etag &&
           answer->observed_us == observed_us(snapshot) &&
           answer->elapsed_us == elapsed_us(snapshot);
}

static char *json_text(const struct snapshot *snapshot)
{
    json_t *value = json_of_current(snapshot);
    char *text = value != NULL ? json_format(value) : NULL;

    json_decref(value);
    return text;
}

static void release(struct current_answer *answer)
{
    response_release(&answer->response);
    *answer = (struct current_answer){ 0 };
}

const struct current_answer *current_cache_get(struct current_cache *cache,
                                               const struct snapshot *snapshot, bool is_text)
{
    struct current_answer *answer = is_text ? &cache->text : &cache->json;
    char *text = NULL;

    if (is_of(answer, snapshot))
        return answer;
    release(answer);
    text = is_text ? text_of_current(snapshot) : json_text(snapshot);
    if (text == NULL)
        return NULL;
    etag_of_body(snapshot->rows_tag, text, strlen(text), answer->etag);
    answer->response = response_of_text(text, is_text ? CONTENT_TEXT : CONTENT_JSON);
    if (answer->response == NULL)
        return NULL;
    response_add_tag(answer->response, answer->etag);
    answer->snapshot_etag = snapshot->etag;
    answer->observed_us = observed_us(snapshot);
    answer->elapsed_us = elapsed_us(snapshot);
    return answer;
}

void current_cache_release(struct current_cache *cache)
{
    release(&cache->json);
    release(&cache->text);
}
