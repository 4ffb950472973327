/*
 * statement.c - what a statement does, read from its first tokens.
 *
 * For people and for caution only: nothing that has to be right about SQL is decided here. What a
 * statement really does is asked of SQLite when it runs.
 */
#include "migrations/scan.h"

struct reader {
    struct str rest;
    struct token token; /* one of look-ahead */
    struct arena *arena;
};

static void next(struct reader *reader)
{
    reader->token = scan_token(&reader->rest);
}

static bool is(const struct reader *reader, const char *word)
{
    return reader->token.kind == TOKEN_WORD && str_is_nocase(reader->token.text, word);
}

static bool take(struct reader *reader, const char *word)
{
    if (!is(reader, word))
        return false;
    next(reader);
    return true;
}

static bool is_name(const struct token *token)
{
    return token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED || token->kind == TOKEN_STRING;
}

/* name or schema.name; NULL when there is none. */
static const char *take_name(struct reader *reader)
{
    struct token name = reader->token;

    if (!is_name(&name))
        return NULL;
    next(reader);
    if (str_is(reader->token.text, ".")) {
        next(reader);
        if (is_name(&reader->token))
            name = reader->token;
        next(reader);
    }
    return token_name(&name, reader->arena);
}

static const char *upper(struct reader *reader, struct str word)
{
    char *text = arena_strndup(reader->arena, word.ptr, word.len);

    for (size_t i = 0; i < word.len; i++) {
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] = (char) (text[i] - 'a' + 'A');
    }
    return text;
}

/* CREATE [TEMP] [UNIQUE] [VIRTUAL] TABLE|INDEX|TRIGGER|VIEW [IF NOT EXISTS] name; DROP likewise. */
static struct statement_summary read_object(struct reader *reader, const char *verb)
{
    struct statement_summary summary = { .verb = verb };

    next(reader);
    while (take(reader, "TEMP") || take(reader, "TEMPORARY") || take(reader, "UNIQUE") ||
           take(reader, "VIRTUAL"))
        continue;
    if (reader->token.kind != TOKEN_WORD)
        return summary;
    summary.verb = arena_printf(reader->arena, "%s %s", verb, upper(reader, reader->token.text));
    next(reader);
    if (take(reader, "IF")) {
        take(reader, "NOT");
        take(reader, "EXISTS");
    }
    summary.object = take_name(reader);
    return summary;
}

static struct statement_summary read_alter(struct reader *reader)
{
    struct statement_summary summary = read_object(reader, "ALTER");

    summary.is_destructive = is(reader, "DROP");
    return summary;
}

static struct statement_summary read_drop(struct reader *reader)
{
    struct statement_summary summary = read_object(reader, "DROP");

    summary.is_destructive = true;
    return summary;
}

/* INSERT [OR x] INTO name, REPLACE INTO name, UPDATE [OR x] name, DELETE FROM name */
static struct statement_summary read_change(struct reader *reader)
{
    struct statement_summary summary = { .verb = upper(reader, reader->token.text) };

    summary.is_destructive = is(reader, "DELETE") || is(reader, "REPLACE");
    next(reader);
    if (take(reader, "OR")) {
        summary.is_destructive = summary.is_destructive || is(reader, "REPLACE");
        next(reader);
    }
    if (!take(reader, "INTO"))
        take(reader, "FROM");
    summary.object = take_name(reader);
    return summary;
}

static bool is_change(const struct reader *reader)
{
    return is(reader, "INSERT") || is(reader, "REPLACE") || is(reader, "UPDATE") ||
           is(reader, "DELETE");
}

/* WITH common tables: the statement proper begins at the first such word outside parentheses. */
static void skip_common_tables(struct reader *reader)
{
    size_t depth = 0;

    while (reader->token.kind != TOKEN_END &&
           (depth > 0 || !(is_change(reader) || is(reader, "SELECT")))) {
        if (str_is(reader->token.text, "("))
            depth++;
        else if (str_is(reader->token.text, ")") && depth > 0)
            depth--;
        next(reader);
    }
}

struct statement_summary statement_summarize(struct str sql, struct arena *arena)
{
    struct reader reader = { .rest = sql, .arena = arena };

    next(&reader);
    if (is(&reader, "WITH"))
        skip_common_tables(&reader);
    if (is(&reader, "CREATE"))
        return read_object(&reader, "CREATE");
    if (is(&reader, "DROP"))
        return read_drop(&reader);
    if (is(&reader, "ALTER"))
        return read_alter(&reader);
    if (is_change(&reader))
        return read_change(&reader);
    return (struct statement_summary){ .verb = upper(&reader, reader.token.text) };
}
