/*
 * run.c - the names of a run's enumerations: one table each, read both ways.
 *
 * The names are public (JSON, journal, command line, metrics) and never change meaning.
 */
#include "migrations/run.h"

#include <assert.h>
#include <string.h>

static const char *const transaction_mode_names[] = {
    [TRANSACTION_RUN] = "run",
    [TRANSACTION_REVISION] = "revision",
};

static const char *const backup_policy_names[] = {
    [BACKUP_ALWAYS] = "always",
    [BACKUP_DESTRUCTIVE] = "destructive",
    [BACKUP_NEVER] = "never",
};

static const char *const run_phase_names[] = {
    [PHASE_QUEUED] = "queued",         [PHASE_PLANNING] = "planning",
    [PHASE_PREFLIGHT] = "preflight",   [PHASE_BACKUP] = "backup",
    [PHASE_RUNNING] = "running",       [PHASE_CHECKING] = "checking",
    [PHASE_COMMITTING] = "committing", [PHASE_DONE] = "done",
};

static const char *const run_outcome_names[] = {
    [RUN_SUCCEEDED] = "succeeded",
    [RUN_NOTHING_TO_DO] = "nothing-to-do",
    [RUN_PLANNED] = "planned",
    [RUN_FAILED] = "failed",
    [RUN_CANCELLED] = "cancelled",
    [RUN_INTERRUPTED] = "interrupted",
    [RUN_APPLIED_EXTERNALLY] = "applied-externally",
    [RUN_UNFINISHED] = "unfinished",
};

static bool name_find(const char *const *names, size_t count, const char *name, size_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

const char *transaction_mode_name(enum transaction_mode mode)
{
    assert((size_t) mode < ARRAY_SIZE(transaction_mode_names));
    return transaction_mode_names[mode];
}

bool transaction_mode_find(const char *name, enum transaction_mode *ret)
{
    size_t index = 0;

    if (!name_find(transaction_mode_names, ARRAY_SIZE(transaction_mode_names), name, &index))
        return false;
    *ret = (enum transaction_mode) index;
    return true;
}

const char *backup_policy_name(enum backup_policy policy)
{
    assert((size_t) policy < ARRAY_SIZE(backup_policy_names));
    return backup_policy_names[policy];
}

bool backup_policy_find(const char *name, enum backup_policy *ret)
{
    size_t index = 0;

    if (!name_find(backup_policy_names, ARRAY_SIZE(backup_policy_names), name, &index))
        return false;
    *ret = (enum backup_policy) index;
    return true;
}

const char *run_phase_name(enum run_phase phase)
{
    assert((size_t) phase < ARRAY_SIZE(run_phase_names));
    return run_phase_names[phase];
}

const char *run_outcome_name(enum run_outcome outcome)
{
    assert((size_t) outcome < ARRAY_SIZE(run_outcome_names));
    return run_outcome_names[outcome];
}

bool run_outcome_find(const char *name, enum run_outcome *ret)
{
    size_t index = 0;

    if (!name_find(run_outcome_names, ARRAY_SIZE(run_outcome_names), name, &index))
        return false;
    *ret = (enum run_outcome) index;
    return true;
}
