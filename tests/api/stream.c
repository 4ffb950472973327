/*
 * stream.c - a client that reads server-sent events.
 */
#include "tests/api/stream.h"

#include "base/file.h"

#include <string.h>

#define TEXT_MAX ((size_t) 16 * 1024 * 1024)

void stream_open(struct stream *stream, const struct site *site, enum listen_kind kind,
                 const char *request)
{
    *stream = (struct stream){ .fd = site_connect(site, kind) };
    strbuf_init(&stream->text, TEXT_MAX);
    site_send(site, stream->fd, kind, request);
    stream->head = reply_read(stream->fd, false);
    assert_int_equal(stream->head.status, 200);
}

void stream_begin(struct stream *stream, const struct site *site, const char *request)
{
    stream_open(stream, site, LISTEN_UNIX, request);
    assert_string_equal(stream_block(stream), "retry: 1000");
}

void stream_end(struct stream *stream)
{
    fd_close(&stream->fd);
    reply_release(&stream->head);
    strbuf_release(&stream->text);
    arena_release(&stream->arena);
}

const char *stream_block(struct stream *stream)
{
    const char *from = NULL;
    const char *end = NULL;

    while (end == NULL) {
        from = strbuf_text(&stream->text) + stream->at;
        end = strstr(from, "\n\n");
        if (end == NULL && !chunk_read(stream->fd, &stream->text))
            return NULL;
    }
    stream->at += (size_t) (end - from) + 2;
    return arena_strndup(&stream->arena, from, (size_t) (end - from));
}

/* What stands behind this text, up to a comma or a brace. */
static const char *value_of(const char *block, const char *name, struct arena *arena)
{
    const char *at = strstr(block, name);

    assert_non_null(at);
    at += strlen(name);
    return arena_strndup(arena, at, strcspn(at, ",}\"\n"));
}

const char *stream_event(struct stream *stream)
{
    struct arena *arena = &stream->arena;
    const char *block = stream_block(stream);
    const char *id = NULL;
    const char *name = NULL;

    if (block == NULL || block[0] == ':')
        return block;
    id = value_of(block, "id: ", arena);
    name = value_of(block, "event: ", arena);
    if (strcmp(name, "job") == 0)
        return arena_printf(arena, "%s job %s %s", id, value_of(block, "\"state\":\"", arena),
                            value_of(block, "\"permille\":", arena));
    if (strcmp(name, "current") == 0)
        return arena_printf(arena, "%s current %s", id, value_of(block, "\"verdict\":\"", arena));
    return arena_printf(arena, "%s %s %s", id, name, value_of(block, "\"after\":", arena));
}

void expect_events(struct stream *stream, const char *const *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *event = stream_event(stream);

        assert_string_equal(event != NULL ? event : "(over)", events[i]);
    }
}

void expect_over(struct stream *stream)
{
    assert_null(stream_event(stream));
}

void expect_stream_header(const struct stream *stream, const char *name, const char *value)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const char *found = reply_header(&stream->head, name, &arena);

    assert_string_equal(found != NULL ? found : "(none)", value);
}
