/*
 * registry.h - what a daemon wants remembered beside its runs: accepted jobs with their idempotency
 * keys, and requests that were refused. Kept in the journal.
 *
 * A job is registered before it is queued, so that its id and its key mean the same after a crash
 * at any moment. Its row in `runs` appears when the run begins (journal_intent_write) or ends
 * (registry_outcome_write); a registered job without one at start never began.
 *
 * A registry is one connection to the journal and belongs to one thread. Every call may wait for
 * the disk. A journal that was removed meanwhile is made anew; one that proves damaged fails the
 * call and is set aside, and the next call begins a new one.
 */
#pragma once

#include "base/denial.h"
#include "engine/settings.h"

struct registry;

#define REGISTRY_KEY_DAYS 7 /* for so long a key is remembered */

/* Open the journal, making it when missing (state_journal_open). settings must outlive it. Fails
 * ERR_JOURNAL. */
must_check bool registry_open(const struct engine_settings *settings,
                              struct registry **ret_registry, struct error *err);
void registry_close(struct registry *registry); /* NULL is fine */

/* Whether there is a journal yet: who only reads, or settles, must not make one. */
bool registry_exists(const struct engine_settings *settings);

/*
 * The job that this actor's key made within the last REGISTRY_KEY_DAYS.
 *
 * ret_id  RUN_ID_SIZE bytes; empty when the key is new.
 * Fails   ERR_IDEMPOTENCY_KEY_REUSED (another fingerprint; the hint names the job), ERR_JOURNAL.
 */
must_check bool registry_key_find(struct registry *registry, const char *actor, const char *key,
                                  const unsigned char fingerprint[32], char *ret_id,
                                  struct error *err);

/* Register a job, durably; forgets keys that are too old. Fails ERR_JOURNAL. */
must_check bool registry_job_add(struct registry *registry, const struct registered_job *job,
                                 struct error *err);

/* The job was refused after all: forget it and its key. Fails ERR_JOURNAL. */
must_check bool registry_job_remove(struct registry *registry, const char *id, struct error *err);

/*
 * Write what came of a registered job that the engine did not journal: nothing to do, a dry run,
 * failed or cancelled before its intent. What the engine journalled is left as it is. Of runs that
 * had nothing to do and of dry runs the newest 1000 are kept, and those whose key is remembered.
 * Fails ERR_JOURNAL.
 */
must_check bool registry_outcome_write(struct registry *registry, const struct run_report *report,
                                       struct error *err);

/*
 * Once at start, after engine_recover: registered jobs that never began become runs that were
 * interrupted; their detail says that nothing was run, and where the database is.
 *
 * rows         the version rows as read at this start; NULL: they are not known.
 * ret_settled  how many.
 * Fails        ERR_JOURNAL.
 */
must_check bool registry_settle(struct registry *registry, const version_rows *rows,
                                unsigned *ret_settled, struct error *err);

/* When a job was queued, wall clock; 0: it was never registered. Fails ERR_JOURNAL. */
must_check bool registry_queued_us(struct registry *registry, const char *id, int64_t *ret,
                                   struct error *err);

/* Add one; one that differs from the newest in nothing but its time, less than a minute later, only
 * counts that one up. The newest 1000 are kept. Fails ERR_JOURNAL. */
must_check bool registry_denial_add(struct registry *registry, const struct denial *denial,
                                    struct error *err);

/* The newest ones, at most limit. Fails ERR_JOURNAL. */
must_check bool registry_denials_read(struct registry *registry, unsigned limit,
                                      struct arena *arena, struct denials *ret, struct error *err);
