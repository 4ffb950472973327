/*
 * registry.c - the journal as a daemon's memory of jobs and refusals, on a connection that stays
 * open.
 *
 * A daemon lives long enough to see its journal removed or damaged. A removed one is made anew
 * before the next call; a failed call gives the connection up, so that the one after it begins
 * with what is there then.
 */
#include "engine/registry.h"

#include "base/clock.h"
#include "base/oom.h"
#include "engine/state.h"

#include <stdlib.h>
#include <string.h>

#define DAY_US (INT64_C(24) * 60 * 60 * 1000000)

struct registry {
    const struct engine_settings *settings;
    struct journal *journal; /* NULL after a failure */
};

bool registry_open(const struct engine_settings *settings, struct registry **ret_registry,
                   struct error *err)
{
    struct journal *journal = NULL;

    if (!state_journal_open(settings, &journal, err))
        return false;
    *ret_registry = xcalloc(1, sizeof(**ret_registry));
    **ret_registry = (struct registry){ .settings = settings, .journal = journal };
    return true;
}

void registry_close(struct registry *registry)
{
    if (registry == NULL)
        return;
    journal_close(registry->journal);
    free(registry);
}

bool registry_exists(const struct engine_settings *settings)
{
    return state_has_journal(settings);
}

static bool ready(struct registry *registry, struct error *err)
{
    if (registry->journal != NULL && journal_has_moved(registry->journal))
        journal_close(take_ptr(registry->journal));
    return registry->journal != NULL ||
           state_journal_open(registry->settings, &registry->journal, err);
}

/* The end of every call: false gives the connection up, unless the journal had its say. */
static bool finish(struct registry *registry, bool is_done, struct error *err)
{
    if (!is_done && err->code == ERR_JOURNAL && registry->journal != NULL)
        journal_give_up(take_ptr(registry->journal), err);
    return is_done;
}

static int64_t keys_since_us(void)
{
    return clock_wall_us() - REGISTRY_KEY_DAYS * DAY_US;
}

/* ---- Jobs ---- */

bool registry_key_find(struct registry *registry, const char *actor, const char *key,
                       const unsigned char fingerprint[32], char *ret_id, struct error *err)
{
    struct registered_job asked = { .actor = actor, .key = key };

    memcpy(asked.fingerprint, fingerprint, sizeof(asked.fingerprint));
    return finish(registry,
                  ready(registry, err) &&
                      journal_key_find(registry->journal, &asked, keys_since_us(), ret_id, err),
                  err);
}

bool registry_job_add(struct registry *registry, const struct registered_job *job,
                      struct error *err)
{
    return finish(registry,
                  ready(registry, err) &&
                      journal_job_add(registry->journal, job, keys_since_us(), err),
                  err);
}

bool registry_job_remove(struct registry *registry, const char *id, struct error *err)
{
    return finish(registry, ready(registry, err) && journal_job_remove(registry->journal, id, err),
                  err);
}

bool registry_outcome_write(struct registry *registry, const struct run_report *report,
                            struct error *err)
{
    return finish(registry,
                  ready(registry, err) && journal_outcome_add(registry->journal, report, err), err);
}

bool registry_settle(struct registry *registry, const version_rows *rows, unsigned *ret_settled,
                     struct error *err)
{
    return finish(registry,
                  ready(registry, err) &&
                      journal_jobs_settle(registry->journal, rows, ret_settled, err),
                  err);
}

bool registry_queued_us(struct registry *registry, const char *id, int64_t *ret, struct error *err)
{
    return finish(registry,
                  ready(registry, err) && journal_queued_us(registry->journal, id, ret, err), err);
}

/* ---- Refusals ---- */

bool registry_denial_add(struct registry *registry, const struct denial *denial, struct error *err)
{
    return finish(registry,
                  ready(registry, err) && journal_denial_add(registry->journal, denial, err), err);
}

bool registry_denials_read(struct registry *registry, unsigned limit, struct arena *arena,
                           struct denials *ret, struct error *err)
{
    return finish(registry,
                  ready(registry, err) &&
                      journal_denials_read(registry->journal, limit, arena, ret, err),
                  err);
}
