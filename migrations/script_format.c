/*
 * script_format.c - the text of a new script.
 *
 * The message comes from people and may hold anything; what is written must be read back as the
 * same message and as nothing else.
 */
#include "migrations/script.h"

#include "migrations/script_header.h"

#include <string.h>

size_t script_character_len(struct str text, size_t at)
{
    for (size_t len = 1; len <= 4 && at + len <= text.len; len++) {
        if (str_is_utf8(str_sub(text, at, at + len)))
            return len;
    }
    return 0;
}

/* Without what a comment line cannot hold. */
static struct str clean_line(struct str line, struct arena *arena)
{
    char *text = arena_strndup(arena, line.ptr, line.len);
    size_t end = line.len;

    for (size_t i = 0; i < line.len;) {
        size_t len = script_character_len(line, i);

        if (len == 0)
            text[i] = '?';
        else if (((unsigned char) text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
            text[i] = ' ';
        i += len > 0 ? len : 1;
    }
    while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t'))
        end--;
    return (struct str){ text, end };
}

static bool must_escape(struct str line)
{
    char comment[64] = "-- ";

    /* A marker is short; a longer line with one at its beginning is still seen. */
    memcpy(comment + 3, line.ptr, line.len < sizeof(comment) - 4 ? line.len : sizeof(comment) - 4);
    return header_must_escape(line) || marker_of(str_of(comment)) != MARKER_NONE;
}

static void add_message(struct strbuf *text, struct str message, struct arena *arena)
{
    size_t from = 0;

    while (from < message.len) {
        size_t end = str_find_char(message, '\n', from);
        struct str line = clean_line(str_sub(message, from, end), arena);

        strbuf_add_text(text, line.len == 0 ? "--" : must_escape(line) ? "-- \\" : "-- ");
        strbuf_add(text, line.ptr, line.len);
        strbuf_add_char(text, '\n');
        from = end + 1;
    }
    if (message.len > 0)
        strbuf_add_text(text, "--\n");
}

static void add_list(struct strbuf *text, const char *word, const struct str_list *list,
                     struct arena *arena)
{
    const char *value = str_list_join(list, ", ", arena);

    strbuf_printf(text, "-- %s:%s%s\n", word, value[0] != '\0' ? " " : "", value);
}

static bool has_marker(struct str sql)
{
    size_t from = 0;

    while (from < sql.len) {
        size_t end = str_find_char(sql, '\n', from);

        if (marker_of(str_trim(str_sub(sql, from, end))) == MARKER_UP)
            return true;
        from = end + 1;
    }
    return false;
}

static void add_parts(struct strbuf *text, const char *sql)
{
    struct str trimmed = str_trim(str_of(sql));

    if (has_marker(trimmed))
        strbuf_printf(text, STR_FORMAT "\n", STR_ARGS(trimmed));
    else
        strbuf_printf(text, "-- migrate:up\n" STR_FORMAT "%s\n-- migrate:down\n", STR_ARGS(trimmed),
                      trimmed.len > 0 ? "\n" : "");
}

const char *script_format(const struct script_header *header, struct arena *arena)
{
    cleanup(strbuf_release) struct strbuf text = { 0 };
    struct str message = str_of(header->message);

    strbuf_init(&text, SCRIPT_BYTES_MAX);
    add_message(&text, str_trim(message).len > 0 ? message : str_of(""), arena);
    strbuf_printf(&text, "-- Revision ID: %s\n", header->id);
    add_list(&text, "Revises", &header->revises, arena);
    if (header->create_date != NULL)
        strbuf_printf(&text, "-- Create Date: %s\n", header->create_date);
    if (header->labels.count > 0)
        add_list(&text, "Branch Labels", &header->labels, arena);
    if (header->depends_on.count > 0)
        add_list(&text, "Depends On", &header->depends_on, arena);
    strbuf_add_char(&text, '\n');
    add_parts(&text, header->sql == NULL ? "" : header->sql);
    return arena_strdup(arena, strbuf_text(&text));
}
