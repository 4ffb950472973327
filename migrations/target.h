/*
 * target.h - what people write to name a revision: head, heads, base, ids, prefixes, +N, -N, id+N,
 * branch@target.
 *
 * Alembic's grammar and meaning (`[branch@][symbol](+N|-N)`), anchored and with its deliberate
 * deviations: a target is never half read, an unknown branch is an error, candidates of an
 * ambiguous prefix are listed, a relative target from several version rows is refused. Alembic's
 * own messages are kept where Alembic has a good one.
 *
 * Pure. Memory: the caller's arena.
 */
#pragma once

#include "migrations/graph.h"

/* The version rows of a database, as read; ids may be unknown to the graph. Sorted, without
 * duplicates. */
typedef struct str_list version_rows;

/*
 * Where an upgrade should end: the revisions that must be applied (with all they need). Empty for
 * base.
 *
 * rows   for relative targets (+N) and branch@+N.
 * Fails  ERR_REVISION_UNKNOWN ("can't locate revision identified by 'x'", near matches as hint),
 *        ERR_REVISION_AMBIGUOUS (candidates), ERR_HEADS_MULTIPLE (heads and the ways out as hint),
 *        ERR_TARGET_INVALID (syntax, "relative revision +9 didn't produce 9 migrations", ambiguous
 *        walk, range a:b ...), ERR_DATABASE_REVISION_UNKNOWN.
 */
must_check bool target_for_upgrade(const struct graph *graph, const version_rows *rows,
                                   const char *target, struct arena *arena,
                                   struct revision_list *ret, struct error *err);

/* Where a downgrade should end. */
struct downgrade_target {
    const struct revision *revision; /* to stay at; NULL for base */
    const struct revision *branch;   /* when base or the revision has several children: only those
                                      that are ancestors of this one, or it itself; NULL: all */
};

/* As target_for_upgrade. Whether the revision is applied at all is for plan_downgrade to say. */
must_check bool target_for_downgrade(const struct graph *graph, const version_rows *rows,
                                     const char *target, struct arena *arena,
                                     struct downgrade_target *ret, struct error *err);

/*
 * The revisions that a name stands for, for show, stamp, history and graph questions: ids,
 * prefixes, labels, head, heads, base (empty list), branch@head(s), branch@base, current (the
 * version rows), and as in Alembic -N and branch@-N (so far below the heads). Fails as
 * target_for_upgrade.
 */
must_check bool target_revisions(const struct graph *graph, const version_rows *rows,
                                 const char *target, struct arena *arena, struct revision_list *ret,
                                 struct error *err);

/*
 * The revisions of `history -r range`: newest first, both ends included.
 *
 * range  "a:b", "a:", ":b", with current, head(s), base and relative forms as Alembic has them: on
 *        the upper side +N counts from the lower one, on the lower side -N counts from the upper
 *        one. NULL or "" is everything.
 * Fails  as above, ERR_TARGET_INVALID for a range without or with several ':', or ends that are not
 *        on one line.
 */
must_check bool target_history(const struct graph *graph, const version_rows *rows,
                               const char *range, struct arena *arena, struct revision_list *ret,
                               struct error *err);

/* Raise ERR_DATABASE_REVISION_UNKNOWN for the version row `id`, one of `rows`, which no script
 * declares; the hint says what may have happened. Returns false. */
cold_path bool target_fail_unknown_row(const struct graph *graph, const version_rows *rows,
                                       const char *id, struct arena *arena, struct error *err);
