/*
 * helper.c - a run that is killed: `helper DATABASE SCRIPTS VERB TARGET MOMENT`.
 *
 * MOMENT is a phase's name ("preflight", "backup", "committing", "done", ...) or "running:N", the
 * N-th statement of the whole run. "committed" is the instant after COMMIT. Exit status 0: never
 * came there.
 */
#include "engine/run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct moment {
    const char *phase;
    uint64_t statement; /* 0: any */
    uint64_t seen;
    unsigned last_step;
    unsigned last_statement;
};

static void die(void)
{
    raise(SIGKILL);
}

static void count_statement(struct moment *moment, const struct run_progress *progress)
{
    if (progress->statement == 0 ||
        (progress->step == moment->last_step && progress->statement == moment->last_statement))
        return;
    moment->last_step = progress->step;
    moment->last_statement = progress->statement;
    moment->seen++;
}

static void on_progress(void *data, const struct run_progress *progress)
{
    struct moment *moment = data;

    if (progress->phase == PHASE_RUNNING)
        count_statement(moment, progress);
    if (strcmp(run_phase_name(progress->phase), moment->phase) == 0 &&
        (moment->statement == 0 || moment->seen == moment->statement))
        die();
}

static void on_committed(void *data, const version_rows *rows)
{
    const struct moment *moment = data;

    (void) rows;
    if (strcmp(moment->phase, "committed") == 0)
        die();
}

static struct moment moment_parse(const char *text, struct arena *arena)
{
    struct str whole = str_of(text);
    size_t colon = str_find_char(whole, ':', 0);
    struct moment moment = { .phase = arena_strndup(arena, text, colon) };

    if (colon < whole.len &&
        !str_to_u64(str_sub(whole, colon + 1, whole.len), 1000, &moment.statement))
        moment.phase = "";
    return moment;
}

int main(int argc, char **argv)
{
    cleanup(arena_release) struct arena arena = { 0 };
    struct engine_settings settings = { 0 };
    struct run_request request = { .actor = "the helper" };
    struct run_report report = { 0 };
    struct error err = { 0 };
    struct moment moment = { 0 };
    struct run_hooks hooks = { .data = &moment,
                               .progress = on_progress,
                               .committed = on_committed };

    if (argc != 6 || !verb_find(argv[3], &request.verb))
        return 2;
    settings.database = argv[1];
    str_list_add(&settings.scripts, &arena, argv[2]);
    request.target = argv[4];
    moment = moment_parse(argv[5], &arena);
    if (!settings_complete(&settings, &arena, &err) ||
        !engine_run(&settings, &request, &hooks, &arena, &report, &err)) {
        fprintf(stderr, "%s: %s\n", error_slug(err.code), err.detail);
        return 1;
    }
    return 0;
}
