/*
 * print_status.c - what is going on and what went on: status, jobs, backups.
 */
#include "cli/print.h"

#include "cli/follow.h"
#include "cli/json_read.h"
#include "cli/table.h"

#include <string.h>

#define LABEL_WIDTH 12

static const char *size_text(int64_t bytes, struct arena *arena)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double size = (double) bytes;
    size_t unit = 0;

    while (size >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
        size /= 1024;
        unit++;
    }
    return arena_printf(arena, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

static const char *texts_joined(const json_t *array, const char *none, struct arena *arena)
{
    struct str_list list = { 0 };
    size_t index = 0;
    const json_t *text = NULL;

    json_array_foreach(array, index, text)
    {
        if (json_is_string(text))
            str_list_add(&list, arena, json_string_value(text));
    }
    return list.count > 0 ? str_list_join(&list, ", ", arena) : none;
}

static void print_label(struct printer *printer, const char *label)
{
    struct arena arena cleanup(arena_release) = { 0 };

    print_text(printer, TINT_DIM, arena_printf(&arena, "%*s: ", LABEL_WIDTH, label));
}

static void print_row(struct printer *printer, const char *label, const char *text)
{
    print_label(printer, label);
    print_text(printer, TINT_NONE, text);
    print_text(printer, TINT_NONE, "\n");
}

const char *verdict_words(const char *verdict)
{
    return strcmp(verdict, "equal") == 0 ? "at head" : verdict;
}

static enum tint tint_of_verdict(const char *verdict)
{
    if (strcmp(verdict, "equal") == 0)
        return TINT_GOOD;
    return strcmp(verdict, "behind") == 0 || strcmp(verdict, "empty") == 0 ? TINT_NOTICE : TINT_BAD;
}

static void print_schema(struct printer *printer, const json_t *current, struct arena *arena)
{
    const char *verdict = json_text(current, "verdict");

    print_label(printer, "Schema");
    print_text(printer, tint_of_verdict(verdict), verdict_words(verdict));
    if (json_number(current, "pending") > 0)
        print_format(printer, ", %lld to apply", (long long) json_number(current, "pending"));
    print_format(printer, "%s\n", json_truth(current, "stale") ? " (as last seen)" : "");
    print_row(printer, "Revision",
              texts_joined(json_object_get(current, "lines"), "<base>", arena));
    if (json_array_size(json_object_get(current, "unknown")) > 0)
        print_row(printer, "Unknown", texts_joined(json_object_get(current, "unknown"), "", arena));
    print_row(printer, "Heads", texts_joined(json_object_get(current, "heads"), "none", arena));
}

static const char *file_text(const json_t *database, struct arena *arena)
{
    if (!json_truth(database, "exists"))
        return arena_printf(arena, "%s (does not exist)", json_text(database, "path"));
    return arena_printf(arena, "%s (%s, %s)", json_text(database, "path"),
                        size_text(json_number(database, "bytes"), arena),
                        json_text(database, "journal_mode"));
}

/* "upgrade head", "stamp", "backup". */
static const char *asked_text(const json_t *run, struct arena *arena)
{
    return json_has(run, "target")
               ? arena_printf(arena, "%s %s", json_text(run, "verb"), json_text(run, "target"))
               : json_text(run, "verb");
}

static void print_ready(struct printer *printer, const json_t *status, struct arena *arena)
{
    const char *answer = json_truth(status, "ready") ? "yes" : "no";

    if (json_has(status, "accept"))
        answer = arena_printf(arena, "%s (required is %s, accepted is %s)", answer,
                              json_text(status, "required"), json_text(status, "accept"));
    print_row(printer, "Ready", answer);
}

static void print_running(struct printer *printer, const json_t *job, struct arena *arena)
{
    if (json_is_object(job))
        print_row(printer, "Running",
                  arena_printf(arena, "%s, %s, %lld %%",
                               asked_text(json_object_get(job, "run"), arena),
                               json_text(job, "phase"),
                               (long long) json_number(job, "permille") / 10));
}

static void print_last(struct printer *printer, const json_t *status, struct arena *arena)
{
    const json_t *run = json_object_get(status, "last_run");
    const json_t *backup = json_object_get(status, "last_backup");

    if (json_is_object(run))
        print_row(printer, "Last run",
                  arena_printf(arena, "%s %s %s", json_text(run, "verb"), json_text(run, "outcome"),
                               json_text(run, "ended_at")));
    if (json_is_object(backup))
        print_row(printer, "Last backup",
                  arena_printf(arena, "%s (%s, at %s)", json_text(backup, "created_at"),
                               size_text(json_number(backup, "bytes"), arena),
                               texts_joined(json_object_get(backup, "revisions"), "<base>",
                                            arena)));
}

static void print_error_row(struct printer *printer, const char *label, const json_t *problem)
{
    struct error err = { .code = ERR_OK };
    char line[sizeof(err.file) + sizeof(err.detail) + 32];

    if (!json_is_object(problem))
        return;
    error_of_json(problem, &err);
    error_format(&err, line, sizeof(line));
    print_row(printer, label, line);
}

static void print_daemon(struct printer *printer, const json_t *status, struct arena *arena)
{
    if (!json_has(status, "started_at")) {
        print_row(printer, "Daemon", "none, the database was asked itself");
        return;
    }
    print_row(printer, "Daemon",
              arena_printf(arena, "%s %s, since %s", json_text(status, "name"),
                           json_text(status, "version"), json_text(status, "started_at")));
    print_row(printer, "Status", json_text(status, "status"));
}

void print_status(struct printer *printer, const json_t *status)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const json_t *current = json_object_get(status, "current");

    print_row(printer, "Database", file_text(json_object_get(status, "database"), &arena));
    print_row(printer, "Scripts", texts_joined(json_object_get(status, "scripts"), "none", &arena));
    print_schema(printer, current, &arena);
    print_ready(printer, status, &arena);
    print_error_row(printer, "Problem", json_object_get(current, "problem"));
    print_running(printer, json_object_get(current, "running"), &arena);
    print_last(printer, status, &arena);
    print_daemon(printer, status, &arena);
}

/* ---- Jobs ---- */

static const char *duration_text(const json_t *run, struct arena *arena)
{
    double ms = json_number_value(json_object_get(run, "duration_ms"));

    return ms < 10000 ? arena_printf(arena, "%.1f ms", ms)
                      : arena_printf(arena, "%.1f s", ms / 1000);
}

void print_jobs(struct printer *printer, const json_t *jobs, struct arena *arena)
{
    struct table table = { .columns = 7 };
    size_t index = 0;
    const json_t *job = NULL;

    json_array_foreach(jobs, index, job)
    {
        const json_t *run = json_object_get(job, "run");

        table_add(&table, arena, json_text(job, "id"));
        table_add(&table, arena, json_text(job, "state"));
        table_add(&table, arena, asked_text(run, arena));
        table_add(&table, arena, texts_joined(json_object_get(run, "from"), "<base>", arena));
        table_add(&table, arena,
                  arena_printf(arena, "-> %s",
                               texts_joined(json_object_get(run, "to"), "<base>", arena)));
        table_add(&table, arena, json_text(run, "started_at"));
        table_add(&table, arena, json_text(run, "actor"));
    }
    print_text(printer, TINT_NONE, table_format(&table, arena));
}

static void print_progress(struct printer *printer, const json_t *job, struct arena *arena)
{
    struct run_moment moment = follow_moment_of(job);

    if (strcmp(json_text(job, "state"), "running") == 0)
        print_row(printer, "Progress", progress_line(&moment, arena));
}

void print_job(struct printer *printer, const json_t *job)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const json_t *run = json_object_get(job, "run");
    const json_t *step = NULL;
    size_t index = 0;

    print_row(printer, "Job", json_text(job, "id"));
    print_row(printer, "State",
              arena_printf(&arena, "%s%s", json_text(job, "state"),
                           json_truth(job, "cancel_requested") ? ", to be cancelled" : ""));
    print_progress(printer, job, &arena);
    print_row(printer, "Asked", asked_text(run, &arena));
    print_row(printer, "By", json_text(run, "actor"));
    if (json_has(run, "reason"))
        print_row(printer, "Reason", json_text(run, "reason"));
    print_row(printer, "From", texts_joined(json_object_get(run, "from"), "<base>", &arena));
    print_row(printer, "To", texts_joined(json_object_get(run, "to"), "<base>", &arena));
    print_row(printer, "Started", json_text(run, "started_at"));
    print_row(printer, "Duration", duration_text(run, &arena));
    print_row(printer, "Backup", json_has(run, "backup") ? json_text(run, "backup") : "none");
    json_array_foreach(json_object_get(run, "steps"), index, step)
        print_row(printer, index == 0 ? "Steps" : "", json_text(step, "line"));
    print_error_row(printer, "Error", json_object_get(run, "error"));
}

void print_backups(struct printer *printer, const json_t *backups, struct arena *arena)
{
    struct table table = { .columns = 4 };
    size_t index = 0;
    const json_t *backup = NULL;

    json_array_foreach(backups, index, backup)
    {
        table_add(&table, arena, json_text(backup, "name"));
        table_add(&table, arena, size_text(json_number(backup, "bytes"), arena));
        table_add(&table, arena, json_text(backup, "created_at"));
        table_add(&table, arena,
                  texts_joined(json_object_get(backup, "revisions"), "<base>", arena));
    }
    print_text(printer, TINT_NONE, table_format(&table, arena));
}

void print_denials(struct printer *printer, const json_t *denials, struct arena *arena)
{
    struct table table = { .columns = 5 };
    size_t index = 0;
    const json_t *denial = NULL;

    json_array_foreach(denials, index, denial)
    {
        int64_t repeated = json_number(denial, "repeated");

        table_add(&table, arena, json_text(denial, "at"));
        table_add(&table, arena, json_text(denial, "reason"));
        table_add(&table, arena, json_text(denial, "actor"));
        table_add(&table, arena,
                  arena_printf(arena, "%s %s", json_text(denial, "method"),
                               json_text(denial, "path")));
        table_add(&table, arena,
                  repeated > 0 ? arena_printf(arena, "and %lld more", (long long) repeated) : "");
    }
    print_text(printer, TINT_NONE, table_format(&table, arena));
}

void print_check(struct printer *printer, const json_t *findings)
{
    size_t index = 0;
    const json_t *finding = NULL;

    if (json_array_size(findings) == 0)
        print_text(printer, TINT_GOOD, "nothing is amiss\n");
    json_array_foreach(findings, index, finding)
    {
        struct error found = { .code = ERR_OK };
        char line[sizeof(found.file) + sizeof(found.detail) + 32];

        error_of_json(finding, &found);
        error_format(&found, line, sizeof(line));
        print_text(printer, TINT_BAD, line);
        print_text(printer, TINT_NONE, "\n");
        if (found.hint[0] != '\0')
            print_format(printer, "  hint: %s\n", found.hint);
    }
}
