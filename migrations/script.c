/*
 * script.c - a file becomes a script: header lines, then two parts.
 *
 * The header is read line by line, the parts by the scanner, because only it knows whether a line
 * that looks like a marker stands in a string or in a statement.
 */
#include "migrations/script.h"

#include "migrations/script_header.h"

#include <string.h>

struct parser {
    struct script *script;
    struct str text; /* without the byte order mark */
    size_t at;
    struct source_pos pos; /* of `at` */
    struct arena *arena;
    struct error *err;
};

static bool refuse_at(struct parser *parser, const struct source_pos *pos, const char *hint)
{
    error_hint(parser->err, "%s", hint);
    return error_at(parser->err, pos);
}

/* --- the whole file --- */

/* Index of the first byte that is not UTF-8; text.len when all are. */
static size_t find_not_utf8(struct str text)
{
    for (size_t from = 0; from < text.len;) {
        size_t end = str_find_char(text, '\n', from);

        if (!str_is_utf8(str_sub(text, from, end))) {
            while (from < end) {
                size_t len = 1;

                while (len <= 4 && !str_is_utf8(str_sub(text, from, from + len)))
                    len++;
                if (len > 4)
                    return from;
                from += len;
            }
        }
        from = end + 1;
    }
    return text.len;
}

static bool check_bytes(struct parser *parser)
{
    size_t nul = str_find_char(parser->text, '\0', 0);
    size_t bad = find_not_utf8(parser->text);
    struct source_pos pos = { 0 };

    if (parser->script->bytes.len > SCRIPT_BYTES_MAX) {
        error_set(parser->err, ERR_SCRIPT_INVALID, "script is larger than %zu bytes",
                  SCRIPT_BYTES_MAX);
        return refuse_at(parser, &parser->pos, "Split it into several revisions.");
    }
    if (nul < parser->text.len) {
        pos = scan_place(parser->text, &parser->pos, nul);
        error_set(parser->err, ERR_SCRIPT_INVALID, "NUL byte, at which SQLite would stop reading");
        return refuse_at(parser, &pos, "Remove it; write x'00' for a blob with a zero byte.");
    }
    if (bad < parser->text.len) {
        pos = scan_place(parser->text, &parser->pos, bad);
        error_set(parser->err, ERR_SCRIPT_INVALID, "byte 0x%02x is not UTF-8",
                  (unsigned) (unsigned char) parser->text.ptr[bad]);
        return refuse_at(parser, &pos, "Convert the file to UTF-8.");
    }
    return true;
}

/* --- lines --- */

/* The line at `at`, without its end. */
static struct str line_here(const struct parser *parser)
{
    struct str line =
        str_sub(parser->text, parser->at, str_find_char(parser->text, '\n', parser->at));

    return str_ends_with(line, "\r") ? str_sub(line, 0, line.len - 1) : line;
}

static void next_line(struct parser *parser)
{
    size_t end = str_find_char(parser->text, '\n', parser->at);

    parser->at = end < parser->text.len ? end + 1 : end;
    parser->pos.line++;
    parser->pos.column = 1;
}

/* 1-based number of the first line from `at` on that looks like `marker` or is odd; 0 when there is
 * none. */
static unsigned find_hidden_marker(struct parser parser, enum marker marker)
{
    while (parser.at < parser.text.len) {
        enum marker found = marker_of(line_here(&parser));

        if (found == marker || found == MARKER_ODD)
            return parser.pos.line;
        next_line(&parser);
    }
    return 0;
}

static bool refuse_odd_marker(struct parser *parser, struct str line)
{
    error_set(parser->err, ERR_SCRIPT_INVALID, "malformed marker \"" STR_FORMAT "\"",
              STR_ARGS(str_sub(str_trim(line), 0, 100)));
    return refuse_at(
        parser, &parser->pos,
        "A marker is \"-- migrate:up\" or \"-- migrate:down\", exactly, at the start of a "
        "line; options are header words.");
}

static const char *marker_name(enum marker marker)
{
    return marker == MARKER_UP ? "-- migrate:up" : "-- migrate:down";
}

/* `from`: where the marker may have been meant. */
static bool refuse_missing_marker(struct parser *parser, enum marker marker,
                                  const struct parser *from)
{
    unsigned hidden = find_hidden_marker(*from, marker);

    error_set(parser->err, ERR_SCRIPT_INVALID, "marker \"%s\" is missing", marker_name(marker));
    if (hidden != 0)
        error_hint(
            parser->err,
            "Line %u is part of a statement or comment, or is indented: is the semicolon before it "
            "missing?",
            hidden);
    else
        error_hint(parser->err, "Write \"%s\" on a line of its own, even when that part is empty.",
                   marker_name(marker));
    return error_at(parser->err, &parser->pos);
}

static bool refuse_second_marker(struct parser *parser, enum marker marker)
{
    error_set(parser->err, ERR_SCRIPT_INVALID, "marker \"%s\" stands twice or in the wrong place",
              marker_name(marker));
    return refuse_at(parser, &parser->pos,
                     "A script has one -- migrate:up, and behind it one -- migrate:down.");
}

/* --- header --- */

/* Pass over a C comment, which must be alone on its lines. */
static bool skip_block_comment(struct parser *parser, struct str line)
{
    struct source_pos begin = parser->pos;
    size_t start = (size_t) (str_trim(line).ptr - parser->text.ptr);
    size_t mark = start + 2;

    while (mark + 1 < parser->text.len &&
           !(parser->text.ptr[mark] == '*' && parser->text.ptr[mark + 1] == '/'))
        mark++;
    begin.column += (unsigned) (start - parser->at);
    if (mark + 1 >= parser->text.len) {
        error_set(parser->err, ERR_SCRIPT_INVALID, "comment is not terminated");
        return refuse_at(parser, &begin, "Close the comment with */.");
    }
    parser->pos = scan_place(str_sub(parser->text, parser->at, mark + 2), &parser->pos,
                             mark + 2 - parser->at);
    parser->at = mark + 2;
    return true;
}

static bool refuse_text(struct parser *parser, struct str line)
{
    struct str text = str_trim(line);
    struct source_pos pos = parser->pos;

    pos.column += (unsigned) (text.ptr - line.ptr);
    error_set(parser->err, ERR_SCRIPT_INVALID, "text outside of the markers: \"" STR_FORMAT "\"",
              STR_ARGS(str_sub(text, 0, 60)));
    return refuse_at(parser, &pos, "Only comments may stand above -- migrate:up.");
}

static bool read_header_line(struct parser *parser, struct header *header, struct str line)
{
    struct str text = str_trim(line);
    struct source_pos pos = parser->pos;
    bool is_done = true;

    pos.column += text.len > 0 ? (unsigned) (text.ptr - line.ptr) : 0;
    if (str_starts_with(text, "/*"))
        return skip_block_comment(parser, line);
    if (text.len == 0)
        header_read_blank(header);
    else if (str_starts_with(text, "--"))
        is_done = header_read(header, text, &pos);
    else
        is_done = refuse_text(parser, line);
    next_line(parser);
    return is_done;
}

/* Up to and with the up marker. */
static bool read_header(struct parser *parser)
{
    struct header header = { .script = parser->script, .arena = parser->arena, .err = parser->err };
    struct parser from = *parser;

    while (parser->at < parser->text.len) {
        struct str line = line_here(parser);
        enum marker marker = parser->pos.column == 1 ? marker_of(line) : MARKER_NONE;

        if (marker == MARKER_UP) {
            next_line(parser);
            return header_finish(&header);
        }
        if (marker == MARKER_DOWN)
            return refuse_second_marker(parser, marker);
        if (marker == MARKER_ODD)
            return refuse_odd_marker(parser, line);
        if (!read_header_line(parser, &header, line))
            return false;
    }
    return header_finish(&header) && refuse_missing_marker(parser, MARKER_UP, &from);
}

/* --- parts --- */

static bool is_marker(struct str line)
{
    return marker_of(line) != MARKER_NONE;
}

static bool read_part(struct parser *parser, struct statements *ret, struct str *ret_text)
{
    struct str rest = str_sub(parser->text, parser->at, parser->text.len);
    struct scan_part part = { 0 };

    if (!scan_statements_until(rest, &parser->pos, is_marker, parser->arena, &part, parser->err))
        return false;
    *ret = part.statements;
    *ret_text = str_sub(rest, 0, part.end);
    parser->pos = scan_place(rest, &parser->pos, part.end);
    parser->at += part.end;
    return true;
}

static bool read_parts(struct parser *parser)
{
    struct script *script = parser->script;
    struct parser from = *parser;
    enum marker marker = MARKER_NONE;

    if (!read_part(parser, &script->up, &script->up_text))
        return false;
    if (parser->at == parser->text.len)
        return refuse_missing_marker(parser, MARKER_DOWN, &from);
    marker = marker_of(line_here(parser));
    if (marker == MARKER_ODD)
        return refuse_odd_marker(parser, line_here(parser));
    if (marker == MARKER_UP)
        return refuse_second_marker(parser, marker);
    next_line(parser);
    if (!read_part(parser, &script->down, &script->down_text))
        return false;
    if (parser->at == parser->text.len)
        return true;
    marker = marker_of(line_here(parser));
    return marker == MARKER_ODD ? refuse_odd_marker(parser, line_here(parser))
                                : refuse_second_marker(parser, marker);
}

static bool refuse_statement(struct parser *parser, const struct statement *statement,
                             const char *hint)
{
    struct source_pos pos = { parser->script->path, statement->line, statement->column };

    error_of_statement(parser->err, statement->sql.ptr, statement->sql.len);
    return refuse_at(parser, &pos, hint);
}

static bool check_alone(struct parser *parser, const struct statements *part)
{
    if (!parser->script->transaction_none || part->count <= 1)
        return true;
    error_set(parser->err, ERR_SCRIPT_INVALID,
              "second statement of a part in a script that says Transaction: none");
    return refuse_statement(
        parser, &part->items[1],
        "Nothing could roll the first one back; give each a revision of its own.");
}

static bool check_parts(struct parser *parser)
{
    struct script *script = parser->script;

    if (script->irreversible != NULL && script->down.count > 0) {
        error_set(parser->err, ERR_SCRIPT_INVALID,
                  "statement in the down part of an irreversible script");
        return refuse_statement(parser, &script->down.items[0],
                                "Remove the header word Irreversible, or the way down.");
    }
    return check_alone(parser, &script->up) && check_alone(parser, &script->down);
}

bool script_parse(struct str bytes, const char *path, struct arena *arena,
                  struct script **ret_script, struct error *err)
{
    struct script *script = arena_new(arena, struct script);
    struct parser parser = {
        .script = script,
        .text = str_starts_with(bytes, "\xef\xbb\xbf") ? str_sub(bytes, 3, bytes.len) : bytes,
        .pos = { .file = path, .line = 1, .column = 1 },
        .arena = arena,
        .err = err,
    };

    script->path = path;
    script->bytes = bytes;
    if (!check_bytes(&parser) || !read_header(&parser) || !read_parts(&parser) ||
        !check_parts(&parser))
        return script->id != NULL ? error_of_revision(err, script->id) : false;
    digest_sha256_hex(bytes.ptr, bytes.len, script->sha256);
    *ret_script = script;
    return true;
}
