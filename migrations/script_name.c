/*
 * script_name.c - Alembic's file names: a slug, and a template with Python's conversions.
 */
#include "migrations/script_name.h"

#include "migrations/script_header.h"

#define PATH_BYTES_MAX ((size_t) 4096)
#define WIDTH_MAX      9

/* --- the slug --- */

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
        size_t len = script_character_len(message, at);

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

/* Cut to so many characters, back to the last '_' before that. */
static struct str cut_slug(struct str slug, unsigned characters_max)
{
    size_t characters = 0;
    size_t end = 0;
    size_t last = SIZE_MAX;

    while (end < slug.len && characters < characters_max) {
        if (slug.ptr[end] == '_')
            last = end;
        end += script_character_len(slug, end);
        characters++;
    }
    if (end == slug.len)
        return slug;
    return str_sub(slug, 0, last != SIZE_MAX ? last : end);
}

static const char *slug_of(const struct script_name_style *style, const char *message,
                           struct arena *arena)
{
    unsigned length = style->slug_length == 0 ? SCRIPT_SLUG_LENGTH_DEFAULT : style->slug_length;
    struct str whole = join_words(str_of(message), arena);
    struct str slug = cut_slug(whole, length);

    return arena_printf(arena, STR_FORMAT "%s", STR_ARGS(slug), slug.len < whole.len ? "_" : "");
}

/* --- the template --- */

struct expansion {
    struct str rest; /* of the template */
    const struct script_name_style *style;
    const struct script_header *header;
    int64_t epoch_s;
    struct arena *arena;
    struct error *err;
    struct strbuf text;
};

static void expansion_release(struct expansion *expansion)
{
    strbuf_release(&expansion->text);
}

static bool fail_template(struct expansion *expansion, struct str token)
{
    error_set(expansion->err, ERR_CONFIG_INVALID,
              "file name template: \"" STR_FORMAT "\" is not understood", STR_ARGS(token));
    return error_hint(expansion->err,
                      "Tokens are %%(rev)s, %%(slug)s, %%(epoch)s, %%(year)d, %%(month).2d, "
                      "%%(day).2d, %%(hour).2d, %%(minute).2d and %%(second).2d; %%%% is a percent "
                      "sign.");
}

/* The number of a token that is one; false for another token. */
static bool number_of(const struct expansion *expansion, struct str name, int64_t *ret)
{
    static const struct {
        const char *name;
        size_t from; /* in "YYYY-MM-DD hh:mm:ss" */
        size_t to;
    } parts[] = {
        { "year", 0, 4 },   { "month", 5, 7 },    { "day", 8, 10 },
        { "hour", 11, 13 }, { "minute", 14, 16 }, { "second", 17, 19 },
    };
    struct str date = str_of(expansion->header->create_date);

    *ret = expansion->epoch_s;
    if (str_is(name, "epoch"))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (str_is(name, parts[i].name))
            return str_to_i64(str_sub(date, parts[i].from, parts[i].to), 0, 9999, ret);
    }
    return false;
}

/* "02", ".2" or nothing: how many digits there are at least. */
static bool parse_width(struct str text, unsigned *ret)
{
    uint64_t width = 0;

    if (text.len > 0 && (text.ptr[0] == '.' || text.ptr[0] == '0'))
        text = str_sub(text, 1, text.len);
    else if (text.len > 0)
        return false;
    if (text.len > 0 && !str_to_u64(text, WIDTH_MAX, &width))
        return false;
    *ret = (unsigned) width;
    return true;
}

/* "%%" or "%(name)conversion", which rest begins with. */
static bool expand_token(struct expansion *expansion)
{
    struct str rest = expansion->rest;
    size_t close = str_find_char(rest, ')', 0);
    size_t end = close + 1;
    unsigned width = 0;
    int64_t number = 0;
    struct str name = str_sub(rest, 2, close);

    if (str_starts_with(rest, "%%")) {
        strbuf_add_char(&expansion->text, '%');
        expansion->rest = str_sub(rest, 2, rest.len);
        return true;
    }
    while (end < rest.len && rest.ptr[end] != 's' && rest.ptr[end] != 'd')
        end++;
    if (!str_starts_with(rest, "%(") || end >= rest.len)
        return fail_template(expansion, rest);
    expansion->rest = str_sub(rest, end + 1, rest.len);
    if (rest.ptr[end] == 's' && end == close + 1 && str_is(name, "rev"))
        strbuf_add_text(&expansion->text, expansion->header->id);
    else if (rest.ptr[end] == 's' && end == close + 1 && str_is(name, "slug"))
        strbuf_add_text(&expansion->text,
                        slug_of(expansion->style, expansion->header->message, expansion->arena));
    else if (parse_width(str_sub(rest, close + 1, end), &width) &&
             (rest.ptr[end] == 'd' || end == close + 1) && number_of(expansion, name, &number))
        strbuf_printf(&expansion->text, "%0*lld", (int) width, (long long) number);
    else
        return fail_template(expansion, str_sub(rest, 0, end + 1));
    return true;
}

static bool check_path(struct expansion *expansion)
{
    const char *path = strbuf_text(&expansion->text);
    struct str rest = str_of(path);

    while (rest.len > 0) {
        size_t end = str_find_char(rest, '/', 0);

        if (end == 0 || rest.ptr[0] == '.') {
            error_set(expansion->err, ERR_ARGUMENT_INVALID,
                      "a script called \"%s\" would not be read", path);
            return error_hint(expansion->err, "Names that begin with '.' are hidden. Choose "
                                              "another id or file name template.");
        }
        rest = str_sub(rest, end + 1, rest.len);
    }
    return true;
}

bool script_name_format(const struct script_name_style *style, const struct script_header *header,
                        int64_t epoch_s, struct arena *arena, const char **ret, struct error *err)
{
    const char *file_template =
        style->file_template == NULL ? SCRIPT_NAME_TEMPLATE_DEFAULT : style->file_template;
    cleanup(expansion_release) struct expansion expansion = {
        str_of(file_template), style, header, epoch_s, arena, err, { 0 },
    };

    strbuf_init(&expansion.text, PATH_BYTES_MAX);
    while (expansion.rest.len > 0) {
        if (expansion.rest.ptr[0] == '%') {
            if (!expand_token(&expansion))
                return false;
            continue;
        }
        strbuf_add_char(&expansion.text, expansion.rest.ptr[0]);
        expansion.rest = str_sub(expansion.rest, 1, expansion.rest.len);
    }
    strbuf_add_text(&expansion.text, ".sql");
    if (!check_path(&expansion))
        return false;
    *ret = arena_strdup(arena, strbuf_text(&expansion.text));
    return true;
}
