/*
 * copy.c - copying member by member: what is not named here was copied by value.
 */
#include "daemon/copy.h"

const char *copy_text(const char *text, struct arena *arena)
{
    return text != NULL ? arena_strdup(arena, text) : NULL;
}

struct str_list copy_texts(const struct str_list *texts, struct arena *arena)
{
    struct str_list copy = { 0 };

    for (size_t i = 0; i < texts->count; i++)
        str_list_add(&copy, arena, arena_strdup(arena, texts->items[i]));
    return copy;
}

struct run_request copy_request(const struct run_request *request, struct arena *arena)
{
    struct run_request copy = *request;

    copy.target = copy_text(request->target, arena);
    copy.stamps = copy_texts(&request->stamps, arena);
    copy.expect = copy_texts(&request->expect, arena);
    copy.actor = copy_text(request->actor, arena);
    copy.reason = copy_text(request->reason, arena);
    return copy;
}

static struct step_report *copy_steps(const struct run_report *report, struct arena *arena)
{
    struct step_report *steps = arena_array(arena, struct step_report, report->step_count);

    for (size_t i = 0; i < report->step_count; i++) {
        steps[i] = report->steps[i];
        steps[i].revision = copy_text(report->steps[i].revision, arena);
        steps[i].message = copy_text(report->steps[i].message, arena);
        steps[i].line = copy_text(report->steps[i].line, arena);
    }
    return steps;
}

struct run_report copy_report(const struct run_report *report, struct arena *arena)
{
    struct run_report copy = *report;

    copy.target = copy_text(report->target, arena);
    copy.actor = copy_text(report->actor, arena);
    copy.reason = copy_text(report->reason, arena);
    copy.backup = copy_text(report->backup, arena);
    copy.warning = copy_text(report->warning, arena);
    copy.rows_before = copy_texts(&report->rows_before, arena);
    copy.rows_after = copy_texts(&report->rows_after, arena);
    copy.steps = copy_steps(report, arena);
    return copy;
}

const char *copy_target(const struct run_request *request, struct arena *arena)
{
    if (request->verb == VERB_STAMP && request->stamps.count > 0)
        return str_list_join(&request->stamps, ", ", arena);
    return copy_text(request->target, arena);
}
