/*
 * response.h - answers as libmicrohttpd wants them, with the headers that every answer has.
 *
 * Every answer says nosniff, and no-store unless it is told otherwise. A response is a counted
 * reference: queueing it takes one of its own, so it can be kept and queued many times.
 */
#pragma once

#include "base/attr.h"

#include <jansson.h>
#include <microhttpd.h>
#include <stddef.h>

#define CONTENT_EVENTS  "text/event-stream"
#define CONTENT_JSON    "application/json"
#define CONTENT_PROBLEM "application/problem+json"
#define CONTENT_METRICS "text/plain; version=0.0.4"
#define CONTENT_SQL     "application/sql"
#define CONTENT_TEXT    "text/plain; charset=utf-8"
#define CONTENT_YAML    "application/yaml"

/* MHD_destroy_response as a cleanup; nothing for NULL. */
void response_release(struct MHD_Response **response);
#define cleanup_response cleanup(response_release)

/* A value as body; takes the reference. NULL when memory is short, or value is NULL. */
struct MHD_Response *response_of_json(json_t *value, const char *content_type);

/* Heap text (taken, freed with free()), and bytes that outlive the response. NULL when memory is
 * short. */
struct MHD_Response *response_of_text(char *text, const char *content_type);
struct MHD_Response *response_of_static(const void *bytes, size_t len, const char *content_type,
                                        const char *cache_control);

/* What a reader makes, piece by piece, until it says that it is over. It must outlive the request.
 * NULL when memory is short. */
struct MHD_Response *response_of_reader(MHD_ContentReaderCallback reader, void *data,
                                        const char *content_type);

/* No body: 204, 304. NULL when memory is short. */
struct MHD_Response *response_empty(void);

/* Add a header; value is visible ASCII. Running out of memory loses the header, which is logged by
 * nobody: the next allocation fails the request. */
void response_add(struct MHD_Response *response, const char *name, const char *value);

/* The headers of an answer that has a tag: ETag, and Vary, because its form follows Accept. */
void response_add_tag(struct MHD_Response *response, const char *etag);
