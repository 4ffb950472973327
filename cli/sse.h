/*
 * sse.h - a stream of server-sent events, taken apart as its bytes come
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6).
 *
 * Pure; single thread. Bytes may be split anywhere. An event that the stream's end cuts off is
 * never told. The field `retry` is passed over: how long to wait is --retry's to say.
 */
#pragma once

#include "base/str.h"

/* Texts are valid during the call only. */
struct sse_event {
    const char *id;   /* of the newest event that had one; "" when none had */
    const char *name; /* "message" when it has none */
    const char *data; /* its lines, joined by '\n' */
};

struct sse_parser {
    struct strbuf line;
    struct strbuf id;
    struct strbuf name;
    struct strbuf data;
    size_t data_lines;
    bool ended_with_cr; /* a '\n' that follows belongs to it */
    bool has_line;      /* the first line, which may begin with a byte order mark, is over */
    bool (*take)(void *data, const struct sse_event *event);
    void *take_data;
};

/* bytes_max bounds a line, and the data of an event. take is told of each event; false ends the
 * stream. */
void sse_init(struct sse_parser *parser, size_t bytes_max,
              bool (*take)(void *data, const struct sse_event *event), void *data);
void sse_release(struct sse_parser *parser);

/* The next bytes. False when take said so, or when something was too long
 * (sse_is_overflowed). */
must_check bool sse_feed(struct sse_parser *parser, const char *bytes, size_t len);
bool sse_is_overflowed(const struct sse_parser *parser);
