/*
 * support.c - directories, SQL and histories of the store tests.
 */
#include "support.h"

#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int place_setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    snprintf(place->directory, sizeof(place->directory), "/tmp/schemad-store-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    place->path = place_file(place, "content.db");
    *state = place;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void) st;
    (void) kind;
    (void) ftw;
    return remove(path);
}

int place_teardown(void **state)
{
    struct place *place = *state;

    nftw(place->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    arena_release(&place->arena);
    free(place);
    return 0;
}

const char *place_file(struct place *place, const char *name)
{
    return arena_printf(&place->arena, "%s/%s", place->directory, name);
}

unsigned place_count(const char *directory)
{
    DIR *stream = opendir(directory);
    unsigned count = 0;

    assert_non_null(stream);
    while (readdir(stream) != NULL)
        count++;
    closedir(stream);
    return count - 2;
}

/* --- SQL -------------------------------------------------------------------------------------- */

static sqlite3 *sql_open(const char *path)
{
    sqlite3 *handle = NULL;

    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     NULL),
                     SQLITE_OK);
    sqlite3_busy_timeout(handle, 5000);
    return handle;
}

void sql_run(const char *path, const char *sql)
{
    sqlite3 *handle = sql_open(path);
    char *message = NULL;

    if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(handle);
}

static void append_rows(sqlite3 *handle, const char *sql, struct strbuf *text)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        if (text->len > 0)
            strbuf_add_char(text, '\n');
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const char *value = (const char *) sqlite3_column_text(stmt, i);

            strbuf_printf(text, "%s%s", i > 0 ? "|" : "", value == NULL ? "NULL" : value);
        }
    }
    sqlite3_finalize(stmt);
}

const char *sql_text(struct place *place, const char *path, const char *sql)
{
    sqlite3 *handle = sql_open(path);
    struct strbuf text;
    const char *copy = NULL;

    strbuf_init(&text, 1 << 24);
    append_rows(handle, sql, &text);
    copy = arena_strdup(&place->arena, strbuf_text(&text));
    strbuf_release(&text);
    sqlite3_close(handle);
    return copy;
}

int64_t sql_number(const char *path, const char *sql)
{
    sqlite3 *handle = sql_open(path);
    sqlite3_stmt *stmt = NULL;
    int64_t number = 0;

    if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(handle);
    return number;
}

static void append_table(sqlite3 *handle, const char *name, struct strbuf *text)
{
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", name);

    strbuf_printf(text, "\n[%s]", name);
    append_rows(handle, sql, text);
    sqlite3_free(sql);
}

const char *sql_dump(struct place *place, const char *path)
{
    sqlite3 *handle = sql_open(path);
    sqlite3_stmt *stmt = NULL;
    struct strbuf text;
    const char *copy = NULL;

    strbuf_init(&text, 1 << 24);
    append_rows(handle, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name",
                &text);
    sqlite3_prepare_v2(handle, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
                       -1, &stmt, NULL);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        append_table(handle, (const char *) sqlite3_column_text(stmt, 0), &text);
    sqlite3_finalize(stmt);
    append_rows(handle, "PRAGMA user_version", &text);
    append_rows(handle, "PRAGMA integrity_check", &text);
    copy = arena_strdup(&place->arena, strbuf_text(&text));
    strbuf_release(&text);
    sqlite3_close(handle);
    return copy;
}

const char *version_text(struct place *place)
{
    return sql_text(place, place->path,
                    "SELECT group_concat(version_num, ' ') FROM (SELECT version_num FROM "
                    "alembic_version ORDER BY 1)");
}

/* --- another process -------------------------------------------------------------------------- */

struct helper helper_start(const char *verb, const char *path, const char *argument)
{
    struct helper helper = { 0 };
    int input[2];
    int output[2];
    char byte = 0;

    assert_int_equal(pipe2(input, O_CLOEXEC), 0);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    helper.pid = fork();
    assert_true(helper.pid >= 0);
    if (helper.pid == 0) {
        dup2(input[0], STDIN_FILENO);
        dup2(output[1], STDOUT_FILENO);
        execl(STORE_HELPER, STORE_HELPER, verb, path, argument, (char *) NULL);
        _exit(127);
    }
    close(input[0]);
    close(output[1]);
    helper.input = input[1];
    if (read(output[0], &byte, 1) != 1)
        fail_msg("helper %s did not become ready", verb);
    close(output[0]);
    return helper;
}

void helper_end(struct helper *helper)
{
    int status = 0;

    close(helper->input);
    assert_int_equal(waitpid(helper->pid, &status, 0), helper->pid);
    assert_int_equal(status, 0);
}

void helper_kill(struct helper *helper)
{
    int status = 0;

    assert_int_equal(kill(helper->pid, SIGKILL), 0);
    assert_int_equal(waitpid(helper->pid, &status, 0), helper->pid);
    close(helper->input);
}

/* --- histories -------------------------------------------------------------------------------- */

void history_add(struct history *history, const char *place, const char *extra, const char *up,
                 const char *down)
{
    struct arena *arena = &history->place->arena;
    const char *arrow = strstr(place, " <- ");
    const char *id = arrow == NULL ? place : arena_strndup(arena, place, (size_t) (arrow - place));
    const char *path = arena_printf(arena, "%s.sql", id);
    struct script *script = NULL;
    struct error err = { 0 };
    const char *text = arena_printf(
        arena,
        "-- step %s\n--\n-- Revision ID: %s\n-- Revises: %s\n%s%s%s\n-- migrate:up\n%s\n\n"
        "-- migrate:down\n%s\n",
        id, id, arrow == NULL ? "" : arrow + 4, extra == NULL ? "" : "-- ",
        extra == NULL ? "" : extra, extra == NULL ? "" : "\n", up, down);

    assert_ok(script_parse(str_of(text), path, arena, &script, &err), &err);
    assert_true(history->count < ARRAY_SIZE(history->scripts));
    history->scripts[history->count++] = script;
}

const struct graph *history_graph(struct history *history)
{
    struct graph *graph = NULL;
    struct error err = { 0 };

    assert_ok(graph_build(history->scripts, history->count, &history->place->arena, &graph, &err),
              &err);
    return graph;
}

static version_rows read_rows(struct place *place)
{
    version_rows rows = { 0 };
    struct str rest = { 0 };

    if (access(place->path, F_OK) != 0 ||
        sql_number(place->path,
                   "SELECT count(*) FROM sqlite_schema WHERE name = 'alembic_version'") == 0)
        return rows;
    rest =
        str_of(sql_text(place, place->path, "SELECT version_num FROM alembic_version ORDER BY 1"));
    while (rest.len > 0) {
        size_t end = str_find_char(rest, '\n', 0);

        str_list_add(&rows, &place->arena, arena_strndup(&place->arena, rest.ptr, end));
        rest = str_sub(rest, end + 1, rest.len);
    }
    return rows;
}

static bool run_plan(struct history *history, const struct plan *plan,
                     const struct run_setting *setting, struct runner_result *result,
                     struct error *err)
{
    static const struct run_setting plain = { 0 };
    const struct run_setting *use = setting == NULL ? &plain : setting;
    struct runner_options options = {
        .version_table = "alembic_version",
        .transaction = use->transaction,
        .busy_timeout_ms = use->busy_timeout_ms == 0 ? 1000 : use->busy_timeout_ms,
        .allows_loss = use->allows_loss,
        .timeout_ms = use->timeout_ms,
        .hooks = use->hooks,
    };

    if (access(history->place->path, F_OK) != 0)
        sql_run(history->place->path, "PRAGMA user_version = 0");
    return runner_run(history->place->path, plan, &options, &history->place->arena, result, err);
}

bool history_upgrade(struct history *history, const char *target, const struct run_setting *setting,
                     struct runner_result *result, struct error *err)
{
    version_rows rows = read_rows(history->place);
    struct plan *plan = NULL;

    assert_ok(plan_upgrade(history_graph(history), &rows, target, &history->place->arena, &plan,
                           err),
              err);
    return run_plan(history, plan, setting, result, err);
}

bool history_downgrade(struct history *history, const char *target,
                       const struct run_setting *setting, struct runner_result *result,
                       struct error *err)
{
    version_rows rows = read_rows(history->place);
    struct plan *plan = NULL;

    assert_ok(plan_downgrade(history_graph(history), &rows, target, &history->place->arena, &plan,
                             err),
              err);
    return run_plan(history, plan, setting, result, err);
}

void upgrade_ok(struct history *history, const char *target)
{
    struct runner_result result = { 0 };
    struct error err = { 0 };

    assert_ok(history_upgrade(history, target, NULL, &result, &err), &err);
}

void downgrade_ok(struct history *history, const char *target)
{
    struct runner_result result = { 0 };
    struct error err = { 0 };

    assert_ok(history_downgrade(history, target, NULL, &result, &err), &err);
}

/* --- reports ---------------------------------------------------------------------------------- */

static const char *or_null(const char *text)
{
    return text == NULL ? "NULL" : text;
}

static const char *step_text(struct arena *arena, const struct step_report *step)
{
    return arena_printf(arena, "step %s %s \"%s\" \"%s\" %llu us %u statements",
                        step->direction == DIRECTION_UP ? "up" : "down", step->revision,
                        or_null(step->message), or_null(step->line),
                        (unsigned long long) step->duration_us, step->statement_count);
}

static const char *error_text(struct arena *arena, const struct error *error)
{
    return arena_printf(arena, "error %s %d at %s:%u:%u of %s in \"%s\": %s; %s",
                        error_slug(error->code), error->sqlite_code, error->file, error->line,
                        error->column, error->revision, error->statement, error->detail,
                        error->hint);
}

const char *report_text(struct place *place, const struct run_report *report)
{
    struct arena *arena = &place->arena;
    struct str_list lines = { 0 };

    str_list_add(&lines, arena,
                 arena_printf(arena, "%s %s %s to %s for %s because %s", report->id,
                              run_outcome_name(report->outcome), verb_name(report->verb),
                              or_null(report->target), or_null(report->actor),
                              or_null(report->reason)));
    str_list_add(&lines, arena,
                 arena_printf(arena, "rows %s -> %s",
                              str_list_join(&report->rows_before, " ", arena),
                              str_list_join(&report->rows_after, " ", arena)));
    str_list_add(&lines, arena,
                 arena_printf(arena, "backup %s, warning %s", or_null(report->backup),
                              or_null(report->warning)));
    str_list_add(&lines, arena,
                 arena_printf(arena, "queued %lld, started %lld, lasted %llu, waited %llu",
                              (long long) report->queued_us, (long long) report->started_us,
                              (unsigned long long) report->duration_us,
                              (unsigned long long) report->lock_wait_us));
    for (size_t i = 0; i < report->step_count; i++)
        str_list_add(&lines, arena, step_text(arena, &report->steps[i]));
    str_list_add(&lines, arena, error_text(arena, &report->error));
    return str_list_join(&lines, "\n", arena);
}

/* --- assertions ------------------------------------------------------------------------------- */

void assert_ok(bool is_done, const struct error *err)
{
    char text[1200];

    error_format(err, text, sizeof(text));
    if (!is_done)
        fail_msg("%s: %s (hint: %s)", error_slug(err->code), text, err->hint);
}

void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

void assert_error(bool is_done, const struct error *err, enum error_code code,
                  const char *detail_part)
{
    assert_false(is_done);
    if (err->code != code)
        fail_msg("expected %s, got %s: %s", error_slug(code), error_slug(err->code), err->detail);
    assert_contains(err->detail, detail_part);
}

/* The output is TAP: whatever is not a result begins with '#'. */
void tell(const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\n' ? ' ' : *c;
    print_message("# %s\n", text);
}

const char *journal_path(struct place *place)
{
    return place_file(place, "journal.db");
}

struct journal *journal_open_ok(struct place *place)
{
    struct journal *journal = NULL;
    struct error err = { 0 };

    assert_ok(journal_open(journal_path(place), &journal, &err), &err);
    return journal;
}
