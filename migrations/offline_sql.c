/*
 * offline_sql.c - what store/runner.c does with a plan, said in the sqlite3 shell's words.
 *
 * The shell is no parser of scripts: a line that says "go" or "/" ends a statement for it, CR LF
 * becomes LF, and nothing but an error inside a transaction makes it stop. A check is therefore a
 * row for a temporary table with a CHECK constraint, whose name is the message. The foreign keys of
 * a single script are switched by .dbconfig, because the pragma does nothing inside a transaction.
 */
#include "migrations/offline_sql.h"

#include "migrations/format.h"
#include "migrations/token.h"

#include <assert.h>
#include <string.h>

#define VERSION_TABLE_DEFAULT "alembic_version"
#define TEXT_MAX              ((size_t) 1024 * 1024 * 1024)
#define PLACE_TOKENS_MAX      8 /* a schema's name stands within so many tokens of a CREATE */

/* --- the plan --- */

static bool fail_range(struct error *err, const char *why, const char *hint)
{
    error_set(err, ERR_TARGET_INVALID, "%s", why);
    return error_hint(err, "%s", hint);
}

/* "a:b" taken apart; `from` is NULL for base. */
static bool parse_range(const struct offline_request *request, struct arena *arena,
                        const char **ret_from, const char **ret_to, struct error *err)
{
    const char *range = request->range;
    struct str text = str_of(range);
    size_t colon = str_find_char(text, ':', 0);
    bool has_range = colon < text.len;

    if (!has_range && request->verb == VERB_DOWNGRADE)
        return fail_range(err, "downgrade with --sql requires <fromrev>:<torev>",
                          "Without a database nobody knows where it is: name both ends.");
    if (has_range && str_find_char(text, ':', colon + 1) < text.len)
        return fail_range(err, "a range with --sql is <fromrev>:<torev>", "Write one colon.");
    if (has_range && colon + 1 == text.len)
        return fail_range(err, "the range has no end", "Name where it leads, 'head' for example.");
    *ret_from = has_range && colon > 0 ? arena_strndup(arena, range, colon) : NULL;
    *ret_to = has_range ? range + colon + 1 : range;
    return true;
}

bool offline_plan(const struct graph *graph, const struct offline_request *request,
                  struct arena *arena, struct plan **ret_plan, struct error *err)
{
    static const version_rows no_rows = { 0 };
    struct revision_list begin = { 0 };
    version_rows rows = { 0 };
    struct stamp_options stamp = { 0 };
    const char *from = NULL;
    const char *to = NULL;

    if (!parse_range(request, arena, &from, &to, err) ||
        (from != NULL && !target_revisions(graph, request->rows == NULL ? &no_rows : request->rows,
                                           from, arena, &begin, err)))
        return false;
    for (size_t i = 0; i < begin.count; i++)
        str_list_add(&rows, arena, begin.items[i]->id);
    str_list_sort(&rows);
    if (request->verb == VERB_UPGRADE)
        return plan_upgrade(graph, &rows, to, arena, ret_plan, err);
    if (request->verb == VERB_DOWNGRADE)
        return plan_downgrade(graph, &rows, to, arena, ret_plan, err);
    assert(request->verb == VERB_STAMP);
    str_list_add(&stamp.targets, arena, to);
    return plan_stamp(graph, &rows, &stamp, arena, ret_plan, err);
}

/* --- the script --- */

struct writer {
    const struct plan *plan;
    const struct offline_options *options;
    struct arena *arena;
    struct error *err;
    struct strbuf text;
    const char *table;        /* quoted, with schema */
    const version_rows *rows; /* in the database, as far as the script has come */
};

static void writer_release(struct writer *writer)
{
    strbuf_release(&writer->text);
}

static const char *quoted(const char *text, char mark, struct arena *arena)
{
    size_t len = strlen(text);
    char *quote = arena_alloc(arena, 2 * len + 3);
    size_t at = 0;

    quote[at++] = mark;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == mark)
            quote[at++] = mark;
        quote[at++] = text[i];
    }
    quote[at] = mark;
    return quote;
}

static const char *literals(const version_rows *rows, struct arena *arena)
{
    struct str_list list = { 0 };

    for (size_t i = 0; i < rows->count; i++)
        str_list_add(&list, arena, quoted(rows->items[i], '\'', arena));
    return str_list_join(&list, ", ", arena);
}

/* `condition` is what a SELECT begins with; `message` is what the shell says when it is not so. */
static void write_check(struct writer *writer, const char *message, const char *condition)
{
    strbuf_printf(&writer->text,
                  "CREATE TEMP TABLE schemad_check (is_so,\n"
                  "    CONSTRAINT %s CHECK (is_so));\n"
                  "INSERT INTO temp.schemad_check\n"
                  "    SELECT %s;\n"
                  "DROP TABLE temp.schemad_check;\n",
                  quoted(message, '"', writer->arena), condition);
}

static void write_rows_check(struct writer *writer)
{
    const version_rows *rows = writer->rows;
    struct arena *arena = writer->arena;
    const char *message = "the database must be at base";
    const char *condition = arena_printf(arena, "count(*) = 0 FROM %s", writer->table);

    if (rows->count > 0) {
        message =
            arena_printf(arena, "the database must be at %s", str_list_join(rows, ", ", arena));
        condition = arena_printf(arena,
                                 "count(*) = %zu AND count(DISTINCT version_num) = %zu\n"
                                 "        AND min(version_num IN (%s)) FROM %s",
                                 rows->count, rows->count, literals(rows, arena), writer->table);
    }
    write_check(writer, message, condition);
}

/* White space as in Alembic's statement, so that nobody can tell who made the table. */
static void write_version_table(struct writer *writer)
{
    const char *name = writer->options->version_table;
    struct arena *arena = writer->arena;
    bool is_default = name == NULL || strcmp(name, VERSION_TABLE_DEFAULT) == 0;
    const char *table = is_default ? VERSION_TABLE_DEFAULT : quoted(name, '"', arena);
    const char *key = is_default ? VERSION_TABLE_DEFAULT "_pkc"
                                 : quoted(arena_printf(arena, "%s_pkc", name), '"', arena);

    strbuf_printf(&writer->text,
                  "CREATE TABLE IF NOT EXISTS main.%s (\n\tversion_num VARCHAR(32) NOT NULL, \n"
                  "\tCONSTRAINT %s PRIMARY KEY (version_num)\n);\n",
                  table, key);
}

/* The rows of before that are not in after, each at its place. */
static version_rows rows_without(const version_rows *rows, const version_rows *others,
                                 struct arena *arena)
{
    version_rows ret = { 0 };

    for (size_t i = 0; i < rows->count; i++) {
        if (!str_list_has(others, rows->items[i]))
            str_list_add(&ret, arena, rows->items[i]);
    }
    return ret;
}

static void write_rows(struct writer *writer, const version_rows *after)
{
    version_rows gone = rows_without(writer->rows, after, writer->arena);
    version_rows come = rows_without(after, writer->rows, writer->arena);

    for (size_t i = 0; i < gone.count || i < come.count; i++) {
        const char *from = i < gone.count ? quoted(gone.items[i], '\'', writer->arena) : NULL;
        const char *to = i < come.count ? quoted(come.items[i], '\'', writer->arena) : NULL;

        if (from == NULL)
            strbuf_printf(&writer->text, "INSERT INTO %s (version_num) VALUES (%s);\n",
                          writer->table, to);
        else if (to == NULL)
            strbuf_printf(&writer->text, "DELETE FROM %s WHERE version_num = %s;\n", writer->table,
                          from);
        else
            strbuf_printf(&writer->text, "UPDATE %s SET version_num = %s WHERE version_num = %s;\n",
                          writer->table, to, from);
    }
    writer->rows = after;
}

/* --- a statement --- */

/* Whether a line of it would end it for the shell. */
static bool has_terminator_line(struct str sql)
{
    for (size_t from = 0; from < sql.len;) {
        size_t end = str_find_char(sql, '\n', from);
        struct str line = str_trim(str_sub(sql, from, end));

        if (str_is(line, "/") || str_is_nocase(line, "go"))
            return true;
        from = end + 1;
    }
    return false;
}

static bool has_crlf(struct str text)
{
    size_t at = str_find_char(text, '\r', 0);

    while (at + 1 < text.len && text.ptr[at + 1] != '\n')
        at = str_find_char(text, '\r', at + 1);
    return at + 1 < text.len;
}

static bool fail_crlf(struct writer *writer, const struct script *script,
                      const struct statement *statement)
{
    struct source_pos pos = { script->path, statement->line, statement->column };

    error_set(writer->err, ERR_SCRIPT_INVALID,
              "a string with a line end of CR LF cannot be given to the sqlite3 shell");
    error_hint(writer->err, "The shell reads it as LF. Save the script with LF line ends, or run "
                            "it with `upgrade`.");
    error_of_revision(writer->err, script->id);
    return error_at(writer->err, &pos);
}

static bool write_statement(struct writer *writer, const struct script *script,
                            const struct statement *statement)
{
    bool has_terminator = has_terminator_line(statement->sql);
    struct str rest = statement->sql;

    while (rest.len > 0) {
        struct lexeme lexeme = lexeme_read(rest);
        struct str text = str_sub(rest, 0, lexeme.len);

        if (lexeme.kind == LEXEME_TOKEN && has_crlf(text))
            return fail_crlf(writer, script, statement);
        if (has_terminator && lexeme.kind != LEXEME_TOKEN)
            strbuf_add_char(&writer->text, ' ');
        else
            strbuf_add(&writer->text, text.ptr, text.len);
        rest = str_sub(rest, lexeme.len, rest.len);
    }
    strbuf_add_text(&writer->text, ";\n");
    return true;
}

/* --- a step --- */

static const struct statements *statements_of(const struct writer *writer, const struct step *step)
{
    static const struct statements none = { 0 };

    if (writer->plan->verb == VERB_STAMP)
        return &none;
    return step->direction == DIRECTION_UP ? &step->revision->script->up
                                           : &step->revision->script->down;
}

/* CREATE TEMP ..., or of an object with the schema temp. */
static bool makes_temporary(struct str sql)
{
    struct token before = { 0 };

    for (unsigned i = 0; i < PLACE_TOKENS_MAX; i++) {
        struct token token = scan_token(&sql);

        if (i == 1 && (str_is_nocase(token.text, "temp") || str_is_nocase(token.text, "temporary")))
            return true;
        if (str_is(token.text, "."))
            return str_is_nocase(before.text, "temp");
        if (token.kind == TOKEN_END)
            return false;
        before = token;
    }
    return false;
}

/* What a script set for itself must not reach the next one: temporary objects, settings. */
static void write_reset(struct writer *writer, const struct step *step)
{
    const struct statements *statements = statements_of(writer, step);
    bool has_pragma = false;

    if (step->revision->script->foreign_keys_on && statements->count > 0)
        strbuf_add_text(&writer->text, ".dbconfig enable_fkey off\n");
    for (size_t i = statements->count; i > 0; i--) {
        struct str sql = statements->items[i - 1].sql;
        struct statement_summary summary = statement_summarize(sql, writer->arena);

        has_pragma = has_pragma || strcmp(summary.verb, "PRAGMA") == 0;
        if (strncmp(summary.verb, "CREATE ", 7) != 0 || summary.object == NULL ||
            strcmp(summary.verb, "CREATE INDEX") == 0 || !makes_temporary(sql))
            continue;
        strbuf_printf(&writer->text, "DROP %s IF EXISTS temp.%s;\n",
                      str_ends_with(str_of(summary.verb), "TABLE") ? "TABLE" : summary.verb + 7,
                      quoted(summary.object, '"', writer->arena));
    }
    if (has_pragma)
        strbuf_add_text(&writer->text, "PRAGMA legacy_alter_table = OFF;\n"
                                       "PRAGMA recursive_triggers = OFF;\n");
}

static void write_requirements(struct writer *writer, const struct step *step)
{
    const struct script *script = step->revision->script;

    for (size_t i = 0; i < script->requires_empty.count && writer->plan->verb != VERB_STAMP &&
                       step->direction == DIRECTION_UP;
         i++) {
        const char *table = script->requires_empty.items[i];

        write_check(writer, arena_printf(writer->arena, "table %s must be empty", table),
                    arena_printf(writer->arena, "NOT EXISTS (SELECT 1 FROM main.%s)",
                                 quoted(table, '"', writer->arena)));
    }
}

static void write_title(struct writer *writer, const struct step *step)
{
    struct arena *arena = writer->arena;

    if (writer->plan->verb == VERB_STAMP)
        strbuf_printf(&writer->text, "\n-- Running stamp_revision %s -> %s\n\n",
                      str_list_join(&step->rows_before, ", ", arena),
                      str_list_join(&step->rows_after, ", ", arena));
    else
        strbuf_printf(&writer->text, "\n-- %s\n\n",
                      format_step_line(step->revision, step->direction, arena));
}

static bool write_script(struct writer *writer, const struct step *step)
{
    const struct script *script = step->revision->script;
    const struct statements *statements = statements_of(writer, step);

    write_requirements(writer, step);
    if (script->foreign_keys_on && statements->count > 0)
        strbuf_add_text(&writer->text, ".dbconfig enable_fkey on\n");
    for (size_t i = 0; i < statements->count; i++) {
        if (!write_statement(writer, script, &statements->items[i]))
            return false;
    }
    write_reset(writer, step);
    return true;
}

/* --- a transaction --- */

static void write_begin(struct writer *writer)
{
    strbuf_add_text(&writer->text, "\nBEGIN IMMEDIATE;\n");
    write_version_table(writer);
    write_rows_check(writer);
}

/* Transaction: none. */
static bool write_outside(struct writer *writer, const struct step *step)
{
    write_begin(writer);
    strbuf_add_text(&writer->text, "COMMIT;\n");
    write_title(writer, step);
    if (!write_script(writer, step))
        return false;
    write_begin(writer);
    write_rows(writer, &step->rows_after);
    strbuf_add_text(&writer->text, "COMMIT;\n");
    return true;
}

/* Steps [from, to), and the last rows with them when there are no more. */
static bool write_transaction(struct writer *writer, size_t from, size_t to)
{
    bool has_scripts = writer->plan->verb != VERB_STAMP;

    write_begin(writer);
    if (has_scripts)
        strbuf_add_text(&writer->text, "CREATE TEMP TABLE schemad_foreign_keys AS\n"
                                       "    SELECT count(*) AS violations"
                                       " FROM pragma_foreign_key_check;\n");
    for (size_t i = from; i < to; i++) {
        write_title(writer, &writer->plan->steps[i]);
        if (!write_script(writer, &writer->plan->steps[i]))
            return false;
        write_rows(writer, &writer->plan->steps[i].rows_after);
    }
    if (to == writer->plan->count)
        write_rows(writer, &writer->plan->rows_after);
    strbuf_add_char(&writer->text, '\n');
    if (has_scripts) {
        write_check(writer, "every row must have its parent",
                    "count(*) <= (SELECT violations FROM temp.schemad_foreign_keys)\n"
                    "        FROM pragma_foreign_key_check");
        strbuf_add_text(&writer->text, "DROP TABLE temp.schemad_foreign_keys;\n");
    }
    strbuf_add_text(&writer->text, "COMMIT;\n");
    return true;
}

/* The end of the steps from `from` on that share a transaction; `from` itself for one that has
 * none. */
static size_t transaction_end(const struct writer *writer, size_t from)
{
    const struct plan *plan = writer->plan;
    size_t to = from;

    while (to < plan->count && !step_is_transaction_none(&plan->steps[to], plan->verb)) {
        to++;
        if (writer->options->transaction == TRANSACTION_REVISION)
            break;
    }
    return to;
}

static bool write_plan(struct writer *writer)
{
    size_t at = 0;

    do {
        size_t to = transaction_end(writer, at);
        bool is_outside = to == at && to < writer->plan->count;

        if (is_outside ? !write_outside(writer, &writer->plan->steps[to++])
                       : !write_transaction(writer, at, to))
            return false;
        at = to;
    } while (at < writer->plan->count);
    return true;
}

static const char *place_of(const version_rows *rows, struct arena *arena)
{
    return rows->count == 0 ? "base" : str_list_join(rows, ", ", arena);
}

bool offline_sql(const struct plan *plan, const struct offline_options *options,
                 struct arena *arena, const char **ret, struct error *err)
{
    const char *name = options->version_table;
    cleanup(writer_release) struct writer writer = {
        plan, options, arena, err, .rows = &plan->rows_before,
    };

    assert(!plan->purges);
    writer.table = arena_printf(arena, "main.%s",
                                quoted(name == NULL ? VERSION_TABLE_DEFAULT : name, '"', arena));
    strbuf_init(&writer.text, TEXT_MAX);
    strbuf_printf(&writer.text,
                  "-- The %s from %s to %s,\n-- for the sqlite3 shell: sqlite3 DATABASE <FILE\n",
                  verb_name(plan->verb), place_of(&plan->rows_before, arena),
                  place_of(&plan->rows_after, arena));
    if (plan->count == 0 && str_list_equal(&plan->rows_before, &plan->rows_after)) {
        strbuf_add_text(&writer.text, "-- There is nothing to do.\n");
    } else {
        strbuf_add_text(&writer.text, ".bail on\n.timeout 5000\n"
                                      "PRAGMA foreign_keys = OFF;\nPRAGMA synchronous = EXTRA;\n");
        if (!write_plan(&writer))
            return false;
    }
    *ret = arena_strdup(arena, strbuf_text(&writer.text));
    return true;
}
