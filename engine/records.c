/*
 * records.c - what was: runs in the journal, backups in their directory, and settling both at
 * start.
 */
#include "engine/lock.h"
#include "engine/look.h"
#include "engine/run.h"
#include "engine/state.h"
#include "store/backup.h"

/* 0 keeps all: starting is no reason to lose a backup, only what a killed one left goes. */
static bool remove_leftovers(const struct engine_settings *settings, struct arena *arena,
                             struct error *err)
{
    return backup_prune(settings->backup_directory, state_backup_prefix(settings, arena), 0, NULL,
                        err);
}

static bool settle(const struct engine_settings *settings, struct arena *arena,
                   unsigned *ret_settled, struct error *err)
{
    cleanup_journal struct journal *journal = NULL;
    struct look look = { 0 };

    return look_take(settings, settings->lock_timeout_ms, arena, &look, err) &&
           state_journal_open(settings, &journal, err) &&
           journal_reconcile(journal, &look.rows, ret_settled, err);
}

bool engine_recover(const struct engine_settings *settings, unsigned *ret_settled,
                    struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    cleanup_schema_lock struct schema_lock *lock = NULL;

    *ret_settled = 0;
    if (!state_has_journal(settings)) /* nothing ever ran, so nothing was cut off */
        return true;
    return schema_lock_take(settings->database, "recovery", settings->lock_timeout_ms, &lock,
                            err) &&
           settle(settings, &arena, ret_settled, err) && remove_leftovers(settings, &arena, err);
}

bool engine_runs(const struct engine_settings *settings, const struct run_filter *filter,
                 struct arena *arena, struct run_reports *ret, struct error *err)
{
    cleanup_journal struct journal *journal = NULL;

    *ret = (struct run_reports){ 0 };
    if (!state_has_journal(settings))
        return true;
    return state_journal_open(settings, &journal, err) &&
           journal_runs_read(journal, filter, arena, ret, err);
}

bool engine_run_last(const struct engine_settings *settings, struct arena *arena,
                     struct run_report *ret, bool *ret_found, struct error *err)
{
    cleanup_journal struct journal *journal = NULL;

    *ret_found = false;
    if (!state_has_journal(settings))
        return true;
    return state_journal_open(settings, &journal, err) &&
           journal_run_last(journal, arena, ret, ret_found, err);
}

bool engine_run_find(const struct engine_settings *settings, const char *id, struct arena *arena,
                     struct run_report *ret, struct error *err)
{
    cleanup_journal struct journal *journal = NULL;

    if (!state_has_journal(settings))
        return error_set(err, ERR_JOB_UNKNOWN, "job \"%s\" is not known", id);
    return state_journal_open(settings, &journal, err) &&
           journal_run_read(journal, id, arena, ret, err);
}

bool engine_backups(const struct engine_settings *settings, struct arena *arena,
                    struct backup_infos *ret, struct error *err)
{
    return backup_list(settings->backup_directory, state_backup_prefix(settings, arena), arena, ret,
                       err);
}
