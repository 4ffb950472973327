/*
 * snapshot.h - the published picture of the database, and keeping it true without waiting (G5).
 *
 * A GET may refresh it: at most once a millisecond, and only when nobody else is looking just now,
 * the database is asked whether it changed (engine/reader); when SQLite is locked, the last picture
 * stays and is marked stale. Scripts are read again when their directories changed; looking at the
 * directories may take one per cent of the time. The worker publishes what it committed by itself.
 * Whenever /current says something else than before, its running job aside, that is an event.
 *
 * THREAD SAFETY: any thread. look_lock guards the reader and whatever is only used while looking;
 * requests only try it. lock guards what is published and is held for copying only. Order:
 * look_lock, lock, then the queue's and the events'.
 */
#pragma once

#include "api/backend.h"
#include "daemon/queue.h"
#include "daemon/status.h"
#include "engine/settings.h"

struct snapshots;

struct snapshots_options {
    const struct engine_settings *settings;
    const char *required;      /* "head", "none" or a target */
    const char *accept;        /* the range that is ready as well, as text; NULL: none */
    struct accept_range range; /* that text, parsed */
    struct queue *queue;
    struct events *events;
    void *wake_data;
    void (*wake)(void *wake_data); /* readiness changed; on any thread, under look_lock */
};

/* Looks once, so that there is a picture from the first request on. options' pointers must
 * outlive it. */
struct snapshots *snapshots_new(const struct snapshots_options *options);
void snapshots_free(struct snapshots *snapshots); /* NULL is fine; no thread uses it any more */

/* Look at database and scripts if nobody does and the last look is old enough. Never waits. */
void snapshots_refresh(struct snapshots *snapshots);

/* Look now, at the scripts too; waits for whoever is looking (milliseconds). */
void snapshots_refresh_now(struct snapshots *snapshots);

/* The rows just committed, or just read by a run. */
void snapshots_note_rows(struct snapshots *snapshots, const version_rows *rows);

/* Read the scripts again, changed or not. Fails as script_directory_load; then the old ones
 * stay. */
must_check bool snapshots_reload(struct snapshots *snapshots, struct error *err);

/* Why the start failed; NULL: it is over. */
void snapshots_failure_set(struct snapshots *snapshots, const struct error *failure);
void snapshots_life_set(struct snapshots *snapshots, enum life life);

/* Whether the schema is where it is required, or accepted, as last seen. */
bool snapshots_is_ready(struct snapshots *snapshots);

/* The status line as of now. */
void snapshots_status(struct snapshots *snapshots, char text[STATUS_SIZE]);

/* What backend.h says. */
void snapshots_take(struct snapshots *snapshots, struct arena *arena, struct snapshot *ret);
void snapshots_release(struct snapshots *snapshots, struct snapshot *snapshot);
