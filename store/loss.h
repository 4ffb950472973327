/*
 * loss.h - the loss guard: what vanished during a run though no statement says so. Internal to
 * store/.
 *
 * SQLite loses silently, with exit code 0: the indexes and triggers of a table that is rebuilt
 * (create, copy, drop, rename), rows that the copy left out or a cascade or trigger deleted, the
 * counter of an AUTOINCREMENT column. Objects, rows and counters are noted at the start of the
 * transaction and compared at its end.
 *
 * Counting rows reads whole tables, so only those are counted that can lose rows unannounced:
 * tables that are rebuilt; and all of them when rows change while triggers exist or foreign keys
 * are enforced. Not seen: a lost column (the new table's CREATE TABLE says what it has).
 */
#pragma once

#include "store/announcement.h"
#include "store/sqlite.h"

struct loss_note {
    struct noted_object *objects;
    size_t object_count;
};

/*
 * Note what there is; nothing when the statements cannot lose anything. All tables are counted when
 * `is_everywhere` (reach.h). In the arena. Fails as db_error.
 */
must_check bool loss_note(struct db *db, const struct announcement *announcement,
                          bool is_everywhere, struct arena *arena, struct loss_note *ret,
                          struct error *err);

/*
 * Fails ERR_LOSS_UNANNOUNCED (how much, and what: objects, rows, counters; the place of the DROP
 * that took it, where there is one), and as db_error.
 */
must_check bool loss_compare(struct db *db, const struct announcement *announcement,
                             const struct loss_note *before, struct arena *arena,
                             struct error *err);
