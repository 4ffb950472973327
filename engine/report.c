/*
 * report.c - filling a run's report.
 */
#include "engine/report.h"

#include "base/clock.h"
#include "base/digest.h"
#include "migrations/format.h"

#include <stdio.h>

static const char *copy(const char *text, struct arena *arena)
{
    return text == NULL ? NULL : arena_strdup(arena, text);
}

static version_rows rows_copy(const version_rows *rows, struct arena *arena)
{
    version_rows result = { 0 };

    for (size_t i = 0; i < rows->count; i++)
        str_list_add(&result, arena, copy(rows->items[i], arena));
    return result;
}

static const char *target_text(const struct run_request *request, struct arena *arena)
{
    if (request->verb == VERB_STAMP && request->stamps.count > 0)
        return str_list_join(&request->stamps, ", ", arena);
    return copy(request->target, arena);
}

void report_begin(struct run_report *report, const struct run_request *request, struct arena *arena)
{
    *report = (struct run_report){
        .verb = request->verb,
        .outcome = RUN_NOTHING_TO_DO,
        .target = target_text(request, arena),
        .actor = request->actor == NULL ? "unknown" : copy(request->actor, arena),
        .reason = copy(request->reason, arena),
        .started_us = clock_wall_us(),
    };
    if (request->id[0] == '\0')
        digest_random_hex(report->id, RUN_ID_SIZE - 1);
    else
        snprintf(report->id, sizeof(report->id), "%s", request->id);
}

void report_rows(struct run_report *report, const version_rows *rows, struct arena *arena)
{
    report->rows_before = rows_copy(rows, arena);
    report->rows_after = report->rows_before;
}

void report_plan(struct run_report *report, const struct plan *plan, struct arena *arena)
{
    report->rows_after = rows_copy(&plan->rows_after, arena);
    report->steps = arena_array(arena, struct step_report, plan->count);
    report->step_count = plan->count;
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        const struct script *script = step->revision->script;
        const struct statements *part =
            step->direction == DIRECTION_UP ? &script->up : &script->down;

        report->steps[i] = (struct step_report){
            .revision = copy(step->revision->id, arena),
            .message = copy(script->doc, arena),
            .line = format_step_line(step->revision, step->direction, arena),
            .direction = step->direction,
            .statement_count = plan->verb == VERB_STAMP ? 0 : (unsigned) part->count,
        };
    }
}

void report_result(struct run_report *report, const struct runner_result *result,
                   struct arena *arena)
{
    report->rows_after = rows_copy(&result->rows_after, arena);
    report->steps = arena_array(arena, struct step_report, result->step_count);
    report->step_count = result->step_count;
    for (size_t i = 0; i < result->step_count; i++) {
        struct step_report *step = &report->steps[i];

        *step = result->steps[i];
        step->revision = copy(step->revision, arena);
        step->message = copy(step->message, arena);
        step->line = copy(step->line, arena);
    }
}

void report_warn(struct run_report *report, const char *what, const struct error *cause,
                 struct arena *arena)
{
    report->warning =
        arena_printf(arena, "%s%s%s: %s", report->warning == NULL ? "" : report->warning,
                     report->warning == NULL ? "" : "; ", what, cause->detail);
}
