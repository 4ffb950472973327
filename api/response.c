/*
 * response.c - answers as libmicrohttpd wants them.
 */
#include "api/response.h"

#include "api/json.h"

#include <stdlib.h>
#include <string.h>

#define NO_STORE    "no-store"
#define PIECE_BYTES 4096

void response_release(struct MHD_Response **response)
{
    if (*response != NULL)
        MHD_destroy_response(*response);
    *response = NULL;
}

void response_add(struct MHD_Response *response, const char *name, const char *value)
{
    (void) MHD_add_response_header(response, name, value);
}

void response_add_tag(struct MHD_Response *response, const char *etag)
{
    response_add(response, MHD_HTTP_HEADER_ETAG, etag);
    response_add(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
}

static struct MHD_Response *with_headers(struct MHD_Response *response, const char *content_type,
                                         const char *cache_control)
{
    if (response == NULL)
        return NULL;
    if (content_type != NULL)
        response_add(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    response_add(response, MHD_HTTP_HEADER_CACHE_CONTROL, cache_control);
    response_add(response, "X-Content-Type-Options", "nosniff");
    return response;
}

struct MHD_Response *response_of_text(char *text, const char *content_type)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);

    if (response == NULL)
        free(text);
    return with_headers(response, content_type, NO_STORE);
}

struct MHD_Response *response_of_json(json_t *value, const char *content_type)
{
    char *text = value != NULL ? json_format(value) : NULL;

    json_decref(value);
    return text != NULL ? response_of_text(text, content_type) : NULL;
}

struct MHD_Response *response_of_static(const void *bytes, size_t len, const char *content_type,
                                        const char *cache_control)
{
    /* MHD_RESPMEM_PERSISTENT never writes to the buffer, but takes it without const. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, (void *) (uintptr_t) bytes, MHD_RESPMEM_PERSISTENT);

    return with_headers(response, content_type, cache_control);
}

struct MHD_Response *response_of_reader(MHD_ContentReaderCallback reader, void *data,
                                        const char *content_type)
{
    return with_headers(MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_BYTES, reader,
                                                          data, NULL),
                        content_type, NO_STORE);
}

struct MHD_Response *response_empty(void)
{
    return response_of_static("", 0, NULL, NO_STORE);
}
