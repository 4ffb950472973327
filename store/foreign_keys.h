/*
 * foreign_keys.h - rows without their parent: what was so before a run is the database's business,
 * what is new is the run's. Internal to store/.
 *
 * Foreign keys are off while scripts run, because a table rebuild would otherwise delete every row
 * that refers to the table (sqlite.org/lang_altertable.html section 7); so they are checked at the
 * end.
 */
#pragma once

#include "store/announcement.h"
#include "store/sqlite.h"

/* A row without its parent, or (is_mismatch) a foreign key that SQLite cannot even check. */
struct violation {
    const char *table;
    const char *parent;
    int64_t rowid; /* 0 for a table WITHOUT ROWID */
    bool is_mismatch;
    const char *old_table; /* their names before the run */
    const char *old_parent;
};

struct foreign_key_note {
    bool is_everywhere;
    struct violation *items; /* sorted */
    size_t count;
};

/*
 * Note the violations there are, in every table when `is_everywhere` (reach.h) and else in those
 * that are named or refer to named ones. In the arena. Fails as db_error.
 */
must_check bool foreign_keys_note(struct db *db, const struct announcement *announcement,
                                  bool is_everywhere, struct arena *arena,
                                  struct foreign_key_note *ret, struct error *err);

/*
 * Fails ERR_FOREIGN_KEYS_VIOLATED when there are new ones (how many, and the first ten: table,
 * rowid, parent), and as db_error.
 */
must_check bool foreign_keys_compare(struct db *db, const struct announcement *announcement,
                                     const struct foreign_key_note *before, struct arena *arena,
                                     struct error *err);
