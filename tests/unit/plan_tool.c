/*
 * plan_tool.c - the pure planner as a program, for comparing it with another one.
 *
 * It reads lines and answers each command with one line. "-" is an empty list; lists have commas.
 *
 *   revision ID REVISES DEPENDS_ON LABELS    in script order, before the first command
 *   script PATH                              likewise, a file
 *   rows LIST                                the version rows of the next commands
 *   upgrade TARGET | downgrade TARGET | stamp TARGET... | purge TARGET...
 *   history RANGE | show TARGET | current | heads | labels ID
 *   sql MODE VERB RANGE                      the script for the sqlite3 shell; MODE: run, revision
 *   reset                                    forget everything; no answer
 *
 * An answer is "ok ..." (steps as in graph_text.h, or ids) or "error SLUG DETAIL". That of sql is
 * "ok BYTES" and then so many bytes.
 */
#include "base/file.h"
#include "migrations/current.h"
#include "migrations/offline_sql.h"
#include "tests/unit/graph_text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPTS_MAX 20000
#define WORDS_MAX   64

struct tool {
    struct arena arena;
    const struct script *scripts[SCRIPTS_MAX];
    size_t count;
    struct graph *graph;
    version_rows rows;
};

static struct str_list split(struct tool *tool, const char *text, char separator)
{
    struct str_list list = { 0 };
    struct str rest = str_of(text);

    while (rest.len > 0 && strcmp(text, "-") != 0) {
        size_t end = str_find_char(rest, separator, 0);

        if (end > 0)
            str_list_add(&list, &tool->arena, arena_strndup(&tool->arena, rest.ptr, end));
        rest = str_sub(rest, end + 1, rest.len);
    }
    return list;
}

static void add_script(struct tool *tool, const struct str_list *words)
{
    struct script *script = arena_new(&tool->arena, struct script);

    script->id = words->items[1];
    script->path = script->id;
    script->doc = script->message = "m";
    script->revises = split(tool, words->items[2], ',');
    script->depends_on = split(tool, words->items[3], ',');
    script->labels = split(tool, words->items[4], ',');
    tool->scripts[tool->count++] = script;
}

static bool read_script(struct tool *tool, const char *path, struct error *err)
{
    struct script *script = NULL;
    struct str bytes = { 0 };

    if (!file_read(AT_FDCWD, path, SCRIPT_BYTES_MAX, &tool->arena, &bytes, err) ||
        !script_parse(bytes, arena_strdup(&tool->arena, path), &tool->arena, &script, err))
        return false;
    tool->scripts[tool->count++] = script;
    return true;
}

static bool sql_command(struct tool *tool, const struct str_list *words, const char **ret,
                        struct error *err)
{
    struct offline_options options = { 0 };
    struct offline_request request = { .rows = &tool->rows };
    struct plan *plan = NULL;
    const char *sql = NULL;

    if (words->count != 4 || !transaction_mode_find(words->items[1], &options.transaction) ||
        !verb_find(words->items[2], &request.verb))
        return error_set(err, ERR_ARGUMENT_INVALID, "sql MODE VERB RANGE");
    request.range = words->items[3];
    if (!offline_plan(tool->graph, &request, &tool->arena, &plan, err) ||
        !offline_sql(plan, &options, &tool->arena, &sql, err))
        return false;
    *ret = arena_printf(&tool->arena, "%zu\n%s", strlen(sql), sql);
    return true;
}

static bool list_command(struct tool *tool, const char *command, const char *argument,
                         struct revision_list *ret, struct error *err)
{
    if (strcmp(command, "history") == 0)
        return target_history(tool->graph, &tool->rows, argument, &tool->arena, ret, err);
    if (strcmp(command, "show") == 0)
        return target_revisions(tool->graph, &tool->rows, argument, &tool->arena, ret, err);
    *ret = strcmp(command, "heads") == 0
               ? *graph_heads(tool->graph)
               : current_of(tool->graph, &tool->rows, &tool->arena).revisions;
    return true;
}

static bool plan_command(struct tool *tool, const struct str_list *words, struct plan **ret,
                         struct error *err)
{
    struct stamp_options stamp = {
        .targets = { words->items + 1, words->count - 1, words->count - 1 },
    };
    const char *command = words->items[0];
    const char *target = words->count > 1 ? words->items[1] : "";

    if (strcmp(command, "upgrade") == 0)
        return plan_upgrade(tool->graph, &tool->rows, target, &tool->arena, ret, err);
    if (strcmp(command, "downgrade") == 0)
        return plan_downgrade(tool->graph, &tool->rows, target, &tool->arena, ret, err);
    stamp.purge = strcmp(command, "purge") == 0;
    return plan_stamp(tool->graph, &tool->rows, &stamp, &tool->arena, ret, err);
}

static bool answer(struct tool *tool, const struct str_list *words, const char **ret,
                   struct error *err)
{
    static const char list_commands[] = " history show current heads ";
    const char *argument = words->count > 1 ? words->items[1] : "";
    const char *padded = arena_printf(&tool->arena, " %s ", words->items[0]);
    struct revision_list list = { 0 };
    struct plan *plan = NULL;

    if (tool->graph == NULL &&
        !graph_build(tool->scripts, tool->count, &tool->arena, &tool->graph, err))
        return false;
    if (strcmp(words->items[0], "sql") == 0)
        return sql_command(tool, words, ret, err);
    if (strcmp(words->items[0], "labels") == 0) {
        const struct revision *revision = graph_find(tool->graph, argument);

        *ret = revision == NULL ? "" : str_list_join(&revision->labels, " ", &tool->arena);
        return true;
    }
    if (strstr(list_commands, padded) != NULL) {
        if (!list_command(tool, words->items[0], argument, &list, err))
            return false;
        *ret = text_of_list(&list, &tool->arena);
        return true;
    }
    if (!plan_command(tool, words, &plan, err))
        return false;
    *ret = text_of_plan(plan, &tool->arena);
    return true;
}

static void reset(struct tool *tool)
{
    arena_release(&tool->arena);
    tool->count = 0;
    tool->graph = NULL;
    tool->rows = (version_rows){ 0 };
}

static void read_command(struct tool *tool, const char *line)
{
    struct str_list words = split(tool, line, ' ');
    const char *text = "";
    struct error err = { 0 };

    if (words.count == 0)
        return;
    if (strcmp(words.items[0], "reset") == 0)
        reset(tool);
    else if (strcmp(words.items[0], "revision") == 0 && words.count == 5)
        add_script(tool, &words);
    else if (strcmp(words.items[0], "script") == 0 && words.count == 2) {
        if (!read_script(tool, words.items[1], &err))
            fprintf(stderr, "%s: %s\n", words.items[1], err.detail);
    } else if (strcmp(words.items[0], "rows") == 0)
        tool->rows = split(tool, words.count > 1 ? words.items[1] : "", ',');
    else if (answer(tool, &words, &text, &err))
        printf("ok %s\n", text);
    else
        printf("error %s %s\n", error_slug(err.code), err.detail);
    fflush(stdout);
}

int main(void)
{
    static struct tool tool;
    char *line = NULL;
    size_t size = 0;
    ssize_t len = 0;

    while ((len = getline(&line, &size, stdin)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            line[len - 1] = '\0';
        read_command(&tool, line);
    }
    free(line);
    reset(&tool);
    return 0;
}
