/*
 * resolve.h - from names to revisions: the parts of which target.h's questions are made. Internal
 * to migrations/.
 */
#pragma once

#include "migrations/target.h"

/* Whom and what to ask. Results live in the arena. */
struct resolver {
    const struct graph *graph;
    const version_rows *rows;
    struct arena *arena;
    struct error *err;
};

/* `[branch@][symbol](+N|-N)`, taken apart. */
struct target_text {
    const char *text; /* the whole */
    struct str branch;
    struct str symbol; /* empty: relative to something the context knows */
    long steps;        /* of a relative target: +N up, -N down; may be 0 */
    bool has_branch;
    bool is_relative;
};

/* Fails ERR_TARGET_INVALID. */
must_check bool target_text_parse(const char *text, struct target_text *ret, struct error *err);

/* The rows as revisions. Fails ERR_DATABASE_REVISION_UNKNOWN. */
must_check bool resolve_rows(const struct resolver *resolver, struct revision_list *ret);

/* The revision that a branch is named by: a label, an id or the beginning of either. Fails
 * ERR_REVISION_UNKNOWN, ERR_REVISION_AMBIGUOUS. */
must_check bool resolve_branch(const struct resolver *resolver, struct str name,
                               const struct revision **ret);

/* Whatever shares a line by Revises with `branch`: its ancestors and descendants. */
struct revision_set resolve_lineage(const struct resolver *resolver, const struct revision *branch);

/*
 * What branch and symbol of a target mean, without its steps: head, heads, base (none), an id,
 * label or the beginning of one.
 *
 * Fails ERR_REVISION_UNKNOWN, ERR_REVISION_AMBIGUOUS, ERR_HEADS_MULTIPLE, ERR_TARGET_INVALID
 * ("current").
 */
must_check bool resolve_symbol(const struct resolver *resolver, const struct target_text *target,
                               struct revision_list *ret);

/* As resolve_symbol, where at most one revision can be meant; NULL for base. Fails
 * ERR_HEADS_MULTIPLE for several heads. */
must_check bool resolve_one(const struct resolver *resolver, const struct target_text *target,
                            const struct revision **ret);

/* The revisions at which a database with these rows is: applied, and no child by Revises is. In
 * script order. */
void resolve_tips(const struct resolver *resolver, const struct revision_list *rows,
                  struct revision_list *ret);

/* Where a walk goes. */
struct walk {
    const struct revision *start;       /* NULL: base */
    long steps;                         /* up or down */
    const struct revision_set *lineage; /* limits a walk up; NULL: no limit */
    bool may_end;                       /* at a head or at base, rather than fail there */
};

/*
 * Go `steps` along Revises.
 *
 * ret           NULL for base
 * ret_too_far   true when the graph ended before the steps did: the caller says what that means.
 *               NULL with may_end.
 * Fails         ERR_TARGET_INVALID: the way is not unique.
 */
must_check bool resolve_walk(const struct resolver *resolver, const struct walk *walk,
                             const struct revision **ret, bool *ret_too_far);

/* Raise: the target cannot be used for this. Return false. */
bool resolve_fail_relative(const struct resolver *resolver, const struct target_text *target);
bool resolve_fail_too_far(const struct resolver *resolver, const struct target_text *target);
