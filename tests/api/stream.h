/*
 * stream.h - a client that reads server-sent events.
 */
#pragma once

#include "tests/api/site.h"

struct stream {
    int fd;
    struct reply head;
    struct strbuf text; /* what was read */
    size_t at;          /* what of it was looked at */
    struct arena arena; /* of its events */
};

/* Send a request, and read the head of its answer, which must be 200. Release with stream_end. */
void stream_open(struct stream *stream, const struct site *site, enum listen_kind kind,
                 const char *request);
void stream_end(struct stream *stream);
#define cleanup_stream cleanup(stream_end)

/* As stream_open over the unix socket, and read the first line. */
void stream_begin(struct stream *stream, const struct site *site, const char *request);

/* The next lines up to a blank one, without it; NULL when the stream ended as it should. */
const char *stream_block(struct stream *stream);

/* The next event: "ID job STATE PERMILLE", "ID current VERDICT", "ID gap AFTER"; or the comment; or
 * NULL. */
const char *stream_event(struct stream *stream);

/* These come next; nothing comes any more; the head has this header ("(none)": not). */
void expect_events(struct stream *stream, const char *const *events, size_t count);
void expect_over(struct stream *stream);
void expect_stream_header(const struct stream *stream, const char *name, const char *value);

#define EXPECT(stream, ...)                                     \
    expect_events(stream, (const char *const[]){ __VA_ARGS__ }, \
                  ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })))
