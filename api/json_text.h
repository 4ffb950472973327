/*
 * json_text.h - the small pieces that JSON values are put together from.
 *
 * Objects and arrays are built with json_put and json_push, which remember a failure by setting the
 * container to NULL: one look at the end instead of one after every member.
 */
#pragma once

#include "base/str.h"
#include "migrations/graph.h"

#include <jansson.h>
#include <stdint.h>

/* Releases a reference as a cleanup. */
void json_release(json_t **value);
#define cleanup_json cleanup(json_release)

/* Add a member or an element; `value` is taken, NULL is a failure. After a failure the container is
 * NULL and further calls only take. */
void json_put(json_t **object, const char *name, json_t *value);
void json_push(json_t **array, json_t *value);

/* New references, NULL when jansson is out of memory: bytes as text with invalid UTF-8 replaced, a
 * list of texts, the ids of revisions, a wall-clock time (null for 0), microseconds as milliseconds
 * with three decimals, a count. */
json_t *json_of_str(struct str text);
json_t *json_of_texts(const struct str_list *texts);
json_t *json_of_revision_ids(const struct revision_list *revisions);
json_t *json_of_time(int64_t wall_us);
json_t *json_of_milliseconds(uint64_t duration_us);
json_t *json_of_count(uint64_t count);
