/*
 * script_format.c - the text and the file name of a new script.
 *
 * The message comes from people and may hold anything; what is written must be read back as the
 * same message and as nothing else.
 */
#include "migrations/script.h"

#include "migrations/script_header.h"

#include <string.h>

#define SLUG_CHARACTERS_MAX 40

/* The bytes of the UTF-8 character at `at`, 0 when there is none. */
static size_t character_len(struct str text, size_t at)
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
        size_t len = character_len(line, i);

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
    strbuf_add_text(&text, "\n-- migrate:up\n\n-- migrate:down\n");
    return arena_strdup(arena, strbuf_text(&text));
}

/* --- the file name --- */

static unsigned code_point(struct str text, size_t at, size_t len)
{
    static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    unsigned point = (unsigned char) text.ptr[at] & first_bits[len];

    for (size_t i = 1; i < len; i++)
        point = point << 6 | ((unsigned char) text.ptr[at + i] & 0x3fu);
    return point;
}

/*
 * Whether a character belongs to a word. Beyond ASCII every one does but those of the blocks which
 * hold punctuation and symbols: the exact answer needs tables of Unicode, and a file name does not.
 */
static bool is_word_character(unsigned point)
{
    static const struct {
        unsigned from;
        unsigned to;
    } others[] = {
        { 0x80, 0xa9 },       { 0xab, 0xb1 },     { 0xb4, 0xb4 },     { 0xb6, 0xb8 },
        { 0xbb, 0xbb },       { 0xbf, 0xbf },     { 0xd7, 0xd7 },     { 0xf7, 0xf7 },
        { 0x2000, 0x206f },   { 0x20a0, 0x20cf }, { 0x2190, 0x245f }, { 0x2500, 0x2bff },
        { 0x2e00, 0x2e7f },   { 0x3000, 0x3004 }, { 0x3008, 0x3020 }, { 0xe000, 0xf8ff },
        { 0xfe10, 0xfe6f },   { 0xff00, 0xff0f }, { 0xff1a, 0xff20 }, { 0xfff0, 0xffff },
        { 0x1f000, 0x1faff },
    };

    if (point < 0x80)
        return (point >= '0' && point <= '9') || (point >= 'A' && point <= 'Z') ||
               (point >= 'a' && point <= 'z') || point == '_';
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (point >= others[i].from && point <= others[i].to)
            return false;
    }
    return true;
}

/* The message's words joined by '_'. */
static struct str join_words(struct str message, struct arena *arena)
{
    char *slug = arena_alloc(arena, message.len + 1);
    size_t slug_len = 0;
    bool is_between = false;

    for (size_t at = 0; at < message.len;) {
        size_t len = character_len(message, at);

        if (len == 0 || !is_word_character(code_point(message, at, len))) {
            is_between = slug_len > 0;
            at += len > 0 ? len : 1;
            continue;
        }
        if (is_between)
            slug[slug_len++] = '_';
        is_between = false;
        for (size_t i = 0; i < len; i++, at++) {
            char c = message.ptr[at];

            slug[slug_len++] = c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
        }
    }
    return (struct str){ slug, slug_len };
}

/* Cut to SLUG_CHARACTERS_MAX characters, back to the last '_' before that. */
static struct str cut_slug(struct str slug)
{
    size_t characters = 0;
    size_t end = 0;
    size_t last = SIZE_MAX;

    while (end < slug.len && characters < SLUG_CHARACTERS_MAX) {
        if (slug.ptr[end] == '_')
            last = end;
        end += character_len(slug, end);
        characters++;
    }
    if (end == slug.len)
        return slug;
    return str_sub(slug, 0, last != SIZE_MAX ? last : end);
}

const char *script_file_name(const char *id, const char *message, struct arena *arena)
{
    struct str whole = join_words(str_of(message), arena);
    struct str slug = cut_slug(whole);

    return arena_printf(arena, "%s_" STR_FORMAT "%s.sql", id, STR_ARGS(slug),
                        slug.len < whole.len ? "_" : "");
}
