/*
 * sse.c - bytes to lines, lines to fields, fields to events.
 */
#include "cli/sse.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

void sse_init(struct sse_parser *parser, size_t bytes_max,
              bool (*take)(void *data, const struct sse_event *event), void *data)
{
    *parser = (struct sse_parser){ .take = take, .take_data = data };
    strbuf_init(&parser->line, bytes_max);
    strbuf_init(&parser->id, bytes_max);
    strbuf_init(&parser->name, bytes_max);
    strbuf_init(&parser->data, bytes_max);
}

void sse_release(struct sse_parser *parser)
{
    strbuf_release(&parser->line);
    strbuf_release(&parser->id);
    strbuf_release(&parser->name);
    strbuf_release(&parser->data);
}

bool sse_is_overflowed(const struct sse_parser *parser)
{
    return parser->line.is_overflowed || parser->data.is_overflowed;
}

static void set(struct strbuf *buffer, struct str value)
{
    strbuf_reset(buffer);
    strbuf_add(buffer, value.ptr, value.len);
}

static void take_field(struct sse_parser *parser, struct str name, struct str value)
{
    if (str_is(name, "data")) {
        if (parser->data_lines++ > 0)
            strbuf_add_char(&parser->data, '\n');
        strbuf_add(&parser->data, value.ptr, value.len);
    } else if (str_is(name, "event")) {
        set(&parser->name, value);
    } else if (str_is(name, "id") && str_find_char(value, '\0', 0) == value.len) {
        set(&parser->id, value);
    }
}

/* An empty line ends an event; one without data is none. */
static bool end_event(struct sse_parser *parser)
{
    const char *name = strbuf_text(&parser->name);
    struct sse_event event = {
        .id = strbuf_text(&parser->id),
        .name = name[0] != '\0' ? name : "message",
        .data = strbuf_text(&parser->data),
    };
    bool goes_on = parser->data_lines == 0 || parser->take(parser->take_data, &event);

    strbuf_reset(&parser->name);
    strbuf_reset(&parser->data);
    parser->data_lines = 0;
    return goes_on;
}

static bool end_line(struct sse_parser *parser)
{
    struct str line = { strbuf_text(&parser->line), parser->line.len };
    size_t colon = 0;
    bool goes_on = true;

    if (!parser->has_line && str_starts_with(line, BYTE_ORDER_MARK))
        line = str_sub(line, strlen(BYTE_ORDER_MARK), line.len);
    parser->has_line = true;
    colon = str_find_char(line, ':', 0);
    if (line.len == 0) {
        goes_on = end_event(parser);
    } else if (colon > 0) { /* else a comment */
        struct str value = str_sub(line, colon + 1, line.len);

        if (str_starts_with(value, " "))
            value = str_sub(value, 1, value.len);
        take_field(parser, str_sub(line, 0, colon), value);
    }
    strbuf_reset(&parser->line);
    return goes_on && !parser->data.is_overflowed;
}

bool sse_feed(struct sse_parser *parser, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_second_half = parser->ended_with_cr && bytes[i] == '\n';

        parser->ended_with_cr = bytes[i] == '\r';
        if (is_second_half)
            continue;
        if (bytes[i] != '\r' && bytes[i] != '\n')
            strbuf_add_char(&parser->line, bytes[i]);
        else if (!end_line(parser))
            return false;
        if (parser->line.is_overflowed)
            return false;
    }
    return true;
}
