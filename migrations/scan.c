/*
 * scan.c - where statements begin and end.
 *
 * A semicolon ends a statement, except in the body of a trigger. There SQLite's own rule for shells
 * holds (sqlite3_complete): only END right behind a semicolon, followed by a semicolon, ends it.
 * CASE ... END never stands right behind one, so nothing has to be counted.
 *
 * What SQLite would accept and not do is refused here with its place: it stops silently at a NUL,
 * reads an open comment to the end of the text, runs unbound parameters as NULL, and EXPLAIN as
 * nothing.
 */
#include "migrations/scan.h"

#include "migrations/token.h"

#include <string.h>

enum trigger_state {
    TRIGGER_NONE,           /* not (yet) known to be a trigger */
    TRIGGER_CREATE,         /* after CREATE */
    TRIGGER_CREATE_TEMP,    /* after CREATE TEMP */
    TRIGGER_HEAD,           /* after CREATE TRIGGER, before BEGIN */
    TRIGGER_BODY,           /* after BEGIN */
    TRIGGER_BODY_SEMICOLON, /* in the body, right behind a semicolon */
    TRIGGER_BODY_END,       /* right behind a semicolon and END */
};

struct scanner {
    struct str text;
    size_t at;             /* of the lexeme that is looked at */
    struct source_pos pos; /* of `at` */
    struct arena *arena;
    struct error *err;
    struct statements found;
    size_t capacity;
    bool is_open;               /* inside a statement: */
    size_t begin;               /* of its first token */
    size_t end;                 /* of its last token */
    struct source_pos open_pos; /* of `begin` */
    enum trigger_state trigger;
};

static void advance(struct source_pos *pos, struct str passed)
{
    size_t line_start = 0;

    for (size_t i = str_find_char(passed, '\n', 0); i < passed.len;
         i = str_find_char(passed, '\n', i + 1)) {
        pos->line++;
        pos->column = 1;
        line_start = i + 1;
    }
    pos->column += (unsigned) (passed.len - line_start);
}

struct source_pos scan_place(struct str text, const struct source_pos *start, size_t offset)
{
    struct source_pos pos = *start;

    advance(&pos, str_sub(text, 0, offset));
    return pos;
}

/* --- refusals --- */

static const char *open_lexeme_name(const struct lexeme *lexeme)
{
    if (lexeme->kind == LEXEME_BLOCK_COMMENT)
        return "comment";
    if (lexeme->token == TOKEN_QUOTED)
        return "quoted identifier";
    return lexeme->token == TOKEN_BLOB ? "blob" : "string";
}

static bool refuse_open(struct scanner *scanner, const struct lexeme *lexeme)
{
    error_set(scanner->err, ERR_SCRIPT_INVALID, "%s is not terminated", open_lexeme_name(lexeme));
    if (lexeme->kind == LEXEME_BLOCK_COMMENT)
        error_hint(scanner->err, "Close the comment with */.");
    else
        error_hint(scanner->err, "Close it with %c; inside, a quote is written twice.",
                   lexeme->token == TOKEN_BLOB             ? '\''
                   : scanner->text.ptr[scanner->at] == '[' ? ']'
                                                           : scanner->text.ptr[scanner->at]);
    return error_at(scanner->err, &scanner->pos);
}

static bool refuse_parameter(struct scanner *scanner, struct str text)
{
    error_set(scanner->err, ERR_SCRIPT_INVALID, "bound parameter \"" STR_FORMAT "\" has no value",
              STR_ARGS(str_sub(text, 0, 64)));
    error_hint(scanner->err, "Nothing binds parameters in a script, they would be NULL; write the "
                             "value itself, or put quotes around a name.");
    return error_at(scanner->err, &scanner->pos);
}

static bool refuse_explain(struct scanner *scanner)
{
    error_set(scanner->err, ERR_SCRIPT_INVALID,
              "statement starts with EXPLAIN and would do nothing");
    error_hint(scanner->err, "Remove the word EXPLAIN, or the statement.");
    return error_at(scanner->err, &scanner->pos);
}

static bool refuse_comment_end(struct scanner *scanner)
{
    error_set(scanner->err, ERR_SCRIPT_INVALID, "end of a comment without its beginning");
    error_hint(scanner->err, "Comments do not nest in SQL: the first */ ends them all.");
    return error_at(scanner->err, &scanner->pos);
}

static bool refuse_nul(struct scanner *scanner, size_t offset)
{
    struct source_pos pos = scan_place(scanner->text, &scanner->pos, offset);

    error_set(scanner->err, ERR_SCRIPT_INVALID, "NUL byte, at which SQLite would stop reading");
    error_hint(scanner->err, "Remove it; write x'00' for a blob with a zero byte.");
    return error_at(scanner->err, &pos);
}

static bool refuse_open_trigger(struct scanner *scanner)
{
    error_set(scanner->err, ERR_SCRIPT_INVALID, "trigger body has no END");
    error_hint(scanner->err, "A trigger ends with \"END;\" behind the last statement's semicolon.");
    return error_at(scanner->err, &scanner->open_pos);
}

/* --- statements --- */

static void open_statement(struct scanner *scanner)
{
    scanner->is_open = true;
    scanner->begin = scanner->at;
    scanner->open_pos = scanner->pos;
    scanner->trigger = TRIGGER_NONE;
}

static void close_statement(struct scanner *scanner)
{
    if (!scanner->is_open)
        return;
    if (scanner->found.count == scanner->capacity) {
        size_t capacity = scanner->capacity > 0 ? scanner->capacity * 2 : 8;
        struct statement *items = arena_array(scanner->arena, struct statement, capacity);

        if (scanner->found.count > 0)
            memcpy(items, scanner->found.items, scanner->found.count * sizeof(*items));
        scanner->found.items = items;
        scanner->capacity = capacity;
    }
    scanner->found.items[scanner->found.count++] = (struct statement){
        .sql = str_sub(scanner->text, scanner->begin, scanner->end),
        .line = scanner->open_pos.line,
        .column = scanner->open_pos.column,
    };
    scanner->is_open = false;
}

static enum trigger_state trigger_next(enum trigger_state state, bool is_first, struct str word)
{
    switch (state) {
    case TRIGGER_NONE:
        return is_first && str_is_nocase(word, "CREATE") ? TRIGGER_CREATE : TRIGGER_NONE;
    case TRIGGER_CREATE:
        if (str_is_nocase(word, "TEMP") || str_is_nocase(word, "TEMPORARY"))
            return TRIGGER_CREATE_TEMP;
        return str_is_nocase(word, "TRIGGER") ? TRIGGER_HEAD : TRIGGER_NONE;
    case TRIGGER_CREATE_TEMP:
        return str_is_nocase(word, "TRIGGER") ? TRIGGER_HEAD : TRIGGER_NONE;
    case TRIGGER_HEAD:
        return str_is_nocase(word, "BEGIN") ? TRIGGER_BODY : TRIGGER_HEAD;
    case TRIGGER_BODY_SEMICOLON:
        return str_is_nocase(word, "END") ? TRIGGER_BODY_END : TRIGGER_BODY;
    case TRIGGER_BODY:
    case TRIGGER_BODY_END:
        break;
    }
    return TRIGGER_BODY;
}

static void take_semicolon(struct scanner *scanner)
{
    if (scanner->is_open &&
        (scanner->trigger == TRIGGER_BODY || scanner->trigger == TRIGGER_BODY_SEMICOLON)) {
        scanner->trigger = TRIGGER_BODY_SEMICOLON;
        scanner->end = scanner->at + 1;
        return;
    }
    close_statement(scanner);
}

static bool take_token(struct scanner *scanner, const struct lexeme *lexeme)
{
    struct str text = str_sub(scanner->text, scanner->at, scanner->at + lexeme->len);
    bool is_first = !scanner->is_open;

    if (lexeme->token == TOKEN_PARAMETER)
        return refuse_parameter(scanner, text);
    if (str_is(text, "*") && scanner->at + 1 < scanner->text.len &&
        scanner->text.ptr[scanner->at + 1] == '/')
        return refuse_comment_end(scanner);
    if (str_is(text, ";")) {
        take_semicolon(scanner);
        return true;
    }
    if (is_first) {
        if (lexeme->token == TOKEN_WORD && str_is_nocase(text, "EXPLAIN"))
            return refuse_explain(scanner);
        open_statement(scanner);
    }
    scanner->trigger =
        trigger_next(scanner->trigger, is_first, lexeme->token == TOKEN_WORD ? text : str_of(""));
    scanner->end = scanner->at + lexeme->len;
    return true;
}

static bool is_stop(const struct scanner *scanner, const struct lexeme *lexeme, scan_stop *stop)
{
    return stop != NULL && lexeme->kind == LEXEME_LINE_COMMENT && !scanner->is_open &&
           scanner->pos.column == 1 &&
           stop(str_sub(scanner->text, scanner->at, scanner->at + lexeme->len));
}

static bool scan_all(struct scanner *scanner, scan_stop *stop)
{
    for (;;) {
        struct lexeme lexeme = lexeme_read(str_sub(scanner->text, scanner->at, scanner->text.len));

        if (lexeme.kind == LEXEME_END || is_stop(scanner, &lexeme, stop))
            break;
        if (lexeme.is_open)
            return refuse_open(scanner, &lexeme);
        if (lexeme.kind == LEXEME_TOKEN && !take_token(scanner, &lexeme))
            return false;
        advance(&scanner->pos, str_sub(scanner->text, scanner->at, scanner->at + lexeme.len));
        scanner->at += lexeme.len;
    }
    if (scanner->is_open &&
        (scanner->trigger == TRIGGER_BODY || scanner->trigger == TRIGGER_BODY_SEMICOLON))
        return refuse_open_trigger(scanner);
    close_statement(scanner);
    return true;
}

bool scan_statements_until(struct str text, const struct source_pos *start, scan_stop *stop,
                           struct arena *arena, struct scan_part *ret, struct error *err)
{
    struct scanner scanner = { .text = text, .pos = *start, .arena = arena, .err = err };
    size_t nul = str_find_char(text, '\0', 0);

    if (nul < text.len)
        return refuse_nul(&scanner, nul);
    if (!scan_all(&scanner, stop))
        return false;
    *ret = (struct scan_part){ scanner.found, scanner.at };
    return true;
}

bool scan_statements(struct str text, const struct source_pos *start, struct arena *arena,
                     struct statements *ret, struct error *err)
{
    struct scan_part part = { 0 };

    if (!scan_statements_until(text, start, NULL, arena, &part, err))
        return false;
    *ret = part.statements;
    return true;
}

/* --- tokens --- */

struct token scan_token(struct str *rest)
{
    for (;;) {
        struct lexeme lexeme = lexeme_read(*rest);
        struct str text = str_sub(*rest, 0, lexeme.len);

        *rest = str_sub(*rest, lexeme.len, rest->len);
        if (lexeme.kind == LEXEME_END)
            return (struct token){ TOKEN_END, text };
        if (lexeme.kind == LEXEME_TOKEN)
            return (struct token){ lexeme.token, text };
    }
}

const char *token_name(const struct token *token, struct arena *arena)
{
    struct str text = token->text;
    char *name = NULL;
    size_t len = 0;
    char close = '\0';

    if ((token->kind != TOKEN_QUOTED && token->kind != TOKEN_STRING) || text.len < 2)
        return arena_strndup(arena, text.ptr, text.len);
    close = text.ptr[0] == '[' ? ']' : text.ptr[0];
    text = str_sub(text, 1, text.ptr[text.len - 1] == close ? text.len - 1 : text.len);
    name = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        name[len++] = text.ptr[i];
        if (close != ']' && text.ptr[i] == close)
            i++;
    }
    return name;
}
