/*
 * support.c - sites of the engine tests.
 */
#include "support.h"

#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int site_setup(void **state)
{
    struct site *site = calloc(1, sizeof(*site));
    struct error err = { 0 };
    void *place = NULL;

    assert_non_null(site);
    assert_int_equal(place_setup(&place), 0);
    site->place = place;
    site->scripts = place_file(site->place, "versions");
    assert_int_equal(mkdir(site->scripts, 0777), 0);
    site->settings.database = site->place->path;
    str_list_add(&site->settings.scripts, &site->place->arena, site->scripts);
    assert_ok(settings_complete(&site->settings, &site->place->arena, &err), &err);
    *state = site;
    return 0;
}

int site_teardown(void **state)
{
    struct site *site = *state;
    void *place = site->place;

    free(site);
    return place_teardown(&place);
}

void site_write(struct site *site, const char *name, const char *text)
{
    const char *path = place_file(site->place, name);
    struct error err = { 0 };
    FILE *file = NULL;

    assert_ok(directory_ensure(path_directory(path, &site->place->arena), 0777, &err), &err);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void site_script(struct site *site, const char *id, const char *revises, const char *up,
                 const char *down)
{
    struct arena *arena = &site->place->arena;

    site_write(site, arena_printf(arena, "versions/%s.sql", id),
               arena_printf(arena,
                            "-- step %s\n--\n-- Revision ID: %s\n-- Revises: %s\n\n"
                            "-- migrate:up\n%s\n\n-- migrate:down\n%s\n",
                            id, id, revises, up, down));
}

void site_three(struct site *site)
{
    site_script(site, "aaaa", "", "CREATE TABLE a (id INTEGER PRIMARY KEY);", "DROP TABLE a;");
    site_script(site, "bbbb", "aaaa",
                "CREATE TABLE b (id INTEGER PRIMARY KEY);\nINSERT INTO b VALUES (1);",
                "DELETE FROM b;\nDROP TABLE b;");
    site_script(site, "cccc", "bbbb", "ALTER TABLE a ADD COLUMN note TEXT;",
                "ALTER TABLE a DROP COLUMN note;");
}

bool site_has(struct site *site, const char *name)
{
    return access(place_file(site->place, name), F_OK) == 0;
}

bool site_ask(struct site *site, const struct run_request *request, struct run_report *report,
              struct error *err)
{
    return engine_run(&site->settings, request, NULL, &site->place->arena, report, err);
}

bool site_run(struct site *site, enum verb verb, const char *target, struct run_report *report,
              struct error *err)
{
    struct run_request request = { .verb = verb, .target = target, .actor = "a test" };

    return site_ask(site, &request, report, err);
}

void site_upgrade(struct site *site, const char *target)
{
    struct run_report report = { 0 };
    struct error err = { 0 };

    assert_ok(site_run(site, VERB_UPGRADE, target, &report, &err), &err);
    assert_int_equal(report.outcome, RUN_SUCCEEDED);
}

const char *rows_text(struct site *site, const version_rows *rows)
{
    return str_list_join(rows, " ", &site->place->arena);
}

void assert_rows(struct site *site, const version_rows *rows, const char *expected)
{
    assert_string_equal(rows_text(site, rows), expected);
}

const char *site_journal(struct site *site)
{
    struct arena *arena = &site->place->arena;
    struct run_reports runs = { 0 };
    struct str_list lines = { 0 };
    struct error err = { 0 };

    assert_ok(engine_runs(&site->settings, &(struct run_filter){ .limit = 100 }, arena, &runs,
                          &err),
              &err);
    for (size_t i = 0; i < runs.count; i++) {
        const struct run_report *run = &runs.items[i];

        str_list_add(&lines, arena,
                     arena_printf(arena, "%s %s %s: %s -> %s", run_outcome_name(run->outcome),
                                  verb_name(run->verb), run->target == NULL ? "-" : run->target,
                                  rows_text(site, &run->rows_before),
                                  rows_text(site, &run->rows_after)));
    }
    return str_list_join(&lines, "\n", arena);
}

void site_kill_at(struct site *site, const char *verb, const char *target, const char *moment)
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        execl(ENGINE_HELPER, ENGINE_HELPER, site->settings.database, site->scripts, verb, target,
              moment, (char *) NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("the helper was not killed at %s: status %d", moment, status);
}
