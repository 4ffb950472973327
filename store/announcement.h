/*
 * announcement.h - what the scripts of a run say they take away: the measure of the loss guard.
 * Internal to store/.
 *
 * Read from the statements' tokens alone, before anything runs. It follows tables through drops and
 * renames, so that a rebuild (create, copy, drop, rename) is known as the same table in a new coat:
 * what the old coat had and the new one lacks was lost, though a DROP TABLE stands there.
 *
 * Pure: no SQLite. Memory: the caller's arena. Names compare without case, as SQLite's do.
 */
#pragma once

#include "migrations/plan.h"

/* A table that statements name, and what becomes of it. */
struct table_fate {
    const char *before;              /* its name before the run; NULL when the run made it */
    const char *now;                 /* its name after; NULL when it was dropped */
    bool is_renamed;                 /* got its present name by RENAME */
    bool rows_are_announced;         /* DELETE FROM, REPLACE INTO or an OR REPLACE names it */
    bool gets_rows;                  /* INSERT INTO names it */
    const struct script *dropped_by; /* NULL when it was not dropped */
    struct source_pos dropped_at;
};

struct announcement {
    struct table_fate *fates;
    size_t fate_count;
    size_t fate_capacity;
    struct str_list drops; /* names in DROP INDEX, DROP TRIGGER, DROP VIEW */
    bool drops_tables;
    bool drops_views;
    bool changes_rows; /* some statement inserts, updates or deletes */
    bool creates_trigger;
    bool foreign_keys_on;        /* a script runs with foreign keys enforced: deletes can cascade */
    bool changes_sequence;       /* a statement names sqlite_sequence */
    bool can_break_foreign_keys; /* some statement could leave a row without its parent */
    bool changes_parents;        /* ... because it takes rows, keys or tables away from others */
};

/* What the steps [from, to) of the plan say. */
const struct announcement *announcement_of(const struct plan *plan, size_t from, size_t to,
                                           struct arena *arena);

/* The fate of the table that was called `name` before the run; NULL when no statement names it. */
const struct table_fate *announcement_find_before(const struct announcement *announcement,
                                                  const char *name);

/* The fate of the table that is called `name` now; NULL when no statement names it. */
const struct table_fate *announcement_find_now(const struct announcement *announcement,
                                               const char *name);

/*
 * The table that stands under `name` after the run though the one that stood there before was
 * dropped: its new coat. NULL when there is none.
 */
const struct table_fate *announcement_find_rebuilt(const struct announcement *announcement,
                                                   const char *name);

/* Whether a statement names a table that was or is called so. */
bool announcement_names(const struct announcement *announcement, const char *name);

/* Whether a DROP names this index, trigger or view. */
bool announcement_drops(const struct announcement *announcement, const char *name);
