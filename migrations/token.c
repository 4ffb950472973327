/*
 * token.c - the lexer: which bytes belong together.
 *
 * It follows SQLite's own tokenizer (sqlite3GetToken), because a text cut differently from how
 * SQLite reads it would be run differently from how it was checked. It must not know what a
 * statement is.
 */
#include "migrations/token.h"

#include <string.h>

static char at(struct str text, size_t index)
{
    return index < text.len ? text.ptr[index] : '\0';
}

/* Not \v: SQLite refuses it. */
static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What an identifier can begin with; every byte of a multi-byte character can. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char) c >= 0x80;
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '$';
}

/* A byte order mark is white space to SQLite, wherever it stands. */
static bool is_byte_order_mark(struct str text)
{
    return text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0;
}

static struct lexeme token(enum token_kind kind, size_t len)
{
    return (struct lexeme){ .kind = LEXEME_TOKEN, .token = kind, .len = len };
}

static struct lexeme read_space(struct str text)
{
    size_t len = 0;

    while (len < text.len && is_space(text.ptr[len]))
        len++;
    return (struct lexeme){ .kind = LEXEME_SPACE, .len = len };
}

static struct lexeme read_line_comment(struct str text)
{
    return (struct lexeme){ .kind = LEXEME_LINE_COMMENT, .len = str_find_char(text, '\n', 0) };
}

/* Comments do not nest: the first end mark ends it. */
static struct lexeme read_block_comment(struct str text)
{
    for (size_t star = str_find_char(text, '*', 2); star < text.len;
         star = str_find_char(text, '*', star + 1)) {
        if (at(text, star + 1) == '/')
            return (struct lexeme){ .kind = LEXEME_BLOCK_COMMENT, .len = star + 2 };
    }
    return (struct lexeme){ .kind = LEXEME_BLOCK_COMMENT, .len = text.len, .is_open = true };
}

/* Strings and quoted names: the quote itself is doubled inside. */
static struct lexeme read_quoted(struct str text, enum token_kind kind)
{
    char quote = text.ptr[0];
    size_t end = str_find_char(text, quote, 1);

    while (end < text.len && at(text, end + 1) == quote)
        end = str_find_char(text, quote, end + 2);
    return (struct lexeme){
        .kind = LEXEME_TOKEN,
        .token = kind,
        .len = end < text.len ? end + 1 : text.len,
        .is_open = end >= text.len,
    };
}

/* [name] and x'00': nothing is doubled. `from` is behind the opening mark. */
static struct lexeme read_until(struct str text, size_t from, char mark, enum token_kind kind)
{
    size_t end = str_find_char(text, mark, from);

    return (struct lexeme){
        .kind = LEXEME_TOKEN,
        .token = kind,
        .len = end < text.len ? end + 1 : text.len,
        .is_open = end >= text.len,
    };
}

static size_t skip_word(struct str text, size_t from)
{
    while (from < text.len && is_word(text.ptr[from]))
        from++;
    return from;
}

/* 1, 1.5, .5, 1e-3, 0xff; letters that stick to it belong to it, for SQLite to refuse. */
static struct lexeme read_number(struct str text)
{
    size_t len = skip_word(text, 0);

    if (at(text, len) == '.')
        len = skip_word(text, len + 1);
    if ((at(text, len) == '+' || at(text, len) == '-') && is_digit(at(text, len + 1)) &&
        (text.ptr[len - 1] == 'e' || text.ptr[len - 1] == 'E') && at(text, 1) != 'x' &&
        at(text, 1) != 'X')
        len = skip_word(text, len + 1);
    return token(TOKEN_NUMBER, len);
}

/* :name, @name, $name, and Tcl's $ns::name(suffix). */
static struct lexeme read_named_parameter(struct str text)
{
    size_t len = 1;

    for (;;) {
        len = skip_word(text, len);
        if (len == 1 || at(text, len) != ':' || at(text, len + 1) != ':')
            break;
        len += 2;
    }
    if (len == 1)
        return token(TOKEN_PUNCTUATION, 1);
    if (at(text, len) == '(') {
        size_t end = len + 1;

        while (end < text.len && !is_space(text.ptr[end]) && text.ptr[end] != ')')
            end++;
        if (at(text, end) == ')')
            len = end + 1;
    }
    return token(TOKEN_PARAMETER, len);
}

static struct lexeme read_numbered_parameter(struct str text)
{
    size_t len = 1;

    while (is_digit(at(text, len)))
        len++;
    return token(TOKEN_PARAMETER, len);
}

static struct lexeme read_operator(struct str text)
{
    static const char *const operators[] = { "->>", "->", "||", "==", "<=",
                                             "<>",  "<<", ">=", ">>", "!=" };

    for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
        if (str_starts_with(text, operators[i]))
            return token(TOKEN_PUNCTUATION, strlen(operators[i]));
    }
    return token(TOKEN_PUNCTUATION, 1);
}

static struct lexeme read_word(struct str text)
{
    if ((text.ptr[0] == 'x' || text.ptr[0] == 'X') && at(text, 1) == '\'')
        return read_until(text, 2, '\'', TOKEN_BLOB);
    return token(TOKEN_WORD, skip_word(text, 0));
}

struct lexeme lexeme_read(struct str text)
{
    char c = at(text, 0);

    if (text.len == 0)
        return (struct lexeme){ .kind = LEXEME_END };
    if (is_space(c))
        return read_space(text);
    if (is_byte_order_mark(text))
        return (struct lexeme){ .kind = LEXEME_SPACE, .len = 3 };
    if (c == '-' && at(text, 1) == '-')
        return read_line_comment(text);
    if (c == '/' && at(text, 1) == '*')
        return read_block_comment(text);
    if (c == '\'')
        return read_quoted(text, TOKEN_STRING);
    if (c == '"' || c == '`')
        return read_quoted(text, TOKEN_QUOTED);
    if (c == '[')
        return read_until(text, 1, ']', TOKEN_QUOTED);
    if (c == '?')
        return read_numbered_parameter(text);
    if (c == ':' || c == '@' || c == '$')
        return read_named_parameter(text);
    if (is_digit(c) || (c == '.' && is_digit(at(text, 1))))
        return read_number(text);
    if (is_letter(c))
        return read_word(text);
    return read_operator(text);
}
