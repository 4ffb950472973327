/*
 * target.c - the target of an upgrade, of a downgrade, and of questions.
 *
 * The same text means different things to each of them, as in Alembic: "+1" is the next revision to
 * an upgrade and nothing to a downgrade. Ranges are in target_history.c.
 */
#include "migrations/target.h"

#include "migrations/resolve.h"

/* --- upgrade --- */

static bool is_needed_within(const struct revision *revision, const struct revision_set *active,
                             const struct revision_set *lineage)
{
    for (size_t i = 0; i < revision->dependents.count; i++) {
        const struct revision *dependent = revision->dependents.items[i];

        if (revision_set_has(active, dependent) && revision_set_has(lineage, dependent) &&
            revision_list_has(&dependent->needs, revision))
            return true;
    }
    return false;
}

/*
 * Where "+N" on a branch begins: the rows on it; else the newest applied revisions on it, which
 * other rows imply; else none, which is base.
 */
static void branch_starts(const struct resolver *resolver, const struct revision_set *lineage,
                          const struct revision_list *rows, struct revision_list *ret)
{
    const struct revision_list *all = graph_revisions(resolver->graph);
    struct revision_set active = revision_set_new(resolver->graph, resolver->arena);

    for (size_t i = 0; i < rows->count; i++) {
        if (revision_set_has(lineage, rows->items[i]))
            revision_list_add(ret, resolver->arena, rows->items[i]);
        revision_set_add(&active, rows->items[i]);
    }
    revision_set_close_down(&active);
    if (ret->count > 0)
        return;
    for (size_t i = 0; i < all->count; i++) {
        const struct revision *revision = all->items[i];

        if (revision_set_has(&active, revision) && revision_set_has(lineage, revision) &&
            !is_needed_within(revision, &active, lineage))
            revision_list_add(ret, resolver->arena, revision);
    }
}

static bool upgrade_from_rows(const struct resolver *resolver, const struct target_text *target,
                              struct revision_list *ret)
{
    struct revision_list rows = { 0 };
    struct revision_list starts = { 0 };
    struct revision_set lineage = { 0 };
    const struct revision *branch = NULL;
    struct walk walk = { .steps = target->steps };
    bool is_too_far = false;

    if (target->steps <= 0)
        return resolve_fail_relative(resolver, target);
    if (!resolve_rows(resolver, &rows))
        return false;
    starts = rows;
    if (target->has_branch) {
        if (!resolve_branch(resolver, target->branch, &branch))
            return false;
        lineage = resolve_lineage(resolver, branch);
        walk.lineage = &lineage;
        starts = (struct revision_list){ 0 };
        branch_starts(resolver, &lineage, &rows, &starts);
    }
    if (starts.count > 1) {
        error_set(resolver->err, ERR_TARGET_INVALID,
                  "ambiguous upgrade from multiple current revisions: \"%s\" and \"%s\"",
                  starts.items[0]->id, starts.items[1]->id);
        return error_hint(resolver->err, "Name a branch ('<branch>@+1') or a revision.");
    }
    walk.start = starts.count > 0 ? starts.items[0] : NULL;
    if (!resolve_walk(resolver, &walk, &branch, &is_too_far))
        return false;
    if (is_too_far)
        return resolve_fail_relative(resolver, target);
    revision_list_add(ret, resolver->arena, branch);
    return true;
}

/* id+N, head-N, branch@base+2: from a named revision. NULL for base. */
static bool walk_from_symbol(const struct resolver *resolver, const struct target_text *target,
                             const struct revision **ret)
{
    const struct revision *branch = NULL;
    struct revision_set lineage = { 0 };
    struct walk walk = { .steps = target->steps };
    bool is_too_far = false;

    if (target->has_branch) {
        if (!resolve_branch(resolver, target->branch, &branch))
            return false;
        lineage = resolve_lineage(resolver, branch);
        walk.lineage = &lineage;
    }
    if (!resolve_one(resolver, target, &walk.start) ||
        !resolve_walk(resolver, &walk, ret, &is_too_far))
        return false;
    return !is_too_far || resolve_fail_too_far(resolver, target);
}

bool target_for_upgrade(const struct graph *graph, const version_rows *rows, const char *target,
                        struct arena *arena, struct revision_list *ret, struct error *err)
{
    struct resolver resolver = { graph, rows, arena, err };
    const struct revision *revision = NULL;
    struct target_text text = { 0 };

    if (!target_text_parse(target, &text, err))
        return false;
    if (!text.is_relative)
        return resolve_symbol(&resolver, &text, ret);
    if (text.symbol.len == 0)
        return upgrade_from_rows(&resolver, &text, ret);
    if (!walk_from_symbol(&resolver, &text, &revision))
        return false;
    if (revision != NULL)
        revision_list_add(ret, arena, revision);
    return true;
}

/* --- downgrade --- */

/* The one row, or on a branch the one applied revision, from which "-N" counts. */
static bool downgrade_start(const struct resolver *resolver, const struct target_text *target,
                            const struct revision *branch, const struct revision **ret)
{
    struct revision_list rows = { 0 };
    struct revision_list tips = { 0 };
    struct revision_list starts = { 0 };
    struct revision_set lineage = { 0 };

    if (!resolve_rows(resolver, &rows))
        return false;
    starts = rows;
    if (branch != NULL) {
        lineage = resolve_lineage(resolver, branch);
        starts = (struct revision_list){ 0 };
        resolve_tips(resolver, &rows, &tips);
        for (size_t pass = 0; pass < 2 && starts.count == 0; pass++) {
            const struct revision_list *list = pass == 0 ? &rows : &tips;

            for (size_t i = 0; i < list->count; i++) {
                if (revision_set_has(&lineage, list->items[i]))
                    revision_list_add(&starts, resolver->arena, list->items[i]);
            }
        }
    }
    if (starts.count == 0)
        return resolve_fail_relative(resolver, target);
    if (starts.count > 1) {
        error_set(resolver->err, ERR_TARGET_INVALID,
                  "ambiguous downgrade from multiple current revisions: \"%s\" and \"%s\"",
                  starts.items[0]->id, starts.items[1]->id);
        return error_hint(resolver->err,
                          "Name a branch ('<branch>@-1') or the revision to stay at.");
    }
    *ret = starts.items[0];
    return true;
}

static bool downgrade_from_rows(const struct resolver *resolver, const struct target_text *target,
                                const struct revision *branch, struct downgrade_target *ret)
{
    struct walk walk = { .steps = target->steps };
    bool is_too_far = false;

    if (target->steps >= 0)
        return resolve_fail_relative(resolver, target);
    if (!downgrade_start(resolver, target, branch, &walk.start) ||
        !resolve_walk(resolver, &walk, &ret->revision, &is_too_far))
        return false;
    /* Without a branch, the one on which the row stands is meant. */
    ret->branch = branch != NULL ? branch : walk.start;
    return !is_too_far || resolve_fail_relative(resolver, target);
}

bool target_for_downgrade(const struct graph *graph, const version_rows *rows, const char *target,
                          struct arena *arena, struct downgrade_target *ret, struct error *err)
{
    struct resolver resolver = { graph, rows, arena, err };
    const struct revision *branch = NULL;
    struct target_text text = { 0 };

    *ret = (struct downgrade_target){ 0 };
    if (!target_text_parse(target, &text, err) ||
        (text.has_branch && !resolve_branch(&resolver, text.branch, &branch)))
        return false;
    if (text.is_relative && text.symbol.len == 0)
        return downgrade_from_rows(&resolver, &text, branch, ret);
    ret->branch = branch;
    return text.is_relative ? walk_from_symbol(&resolver, &text, &ret->revision)
                            : resolve_one(&resolver, &text, &ret->revision);
}

/* --- questions --- */

/* -N, branch@-N: so far below each effective head. */
static bool below_heads(const struct resolver *resolver, const struct target_text *target,
                        struct revision_list *ret)
{
    const struct revision_list *heads = graph_effective_heads(resolver->graph);
    struct revision_set lineage = { 0 };
    struct revision_list starts = { 0 };
    const struct revision *branch = NULL;

    if (target->has_branch) {
        if (!resolve_branch(resolver, target->branch, &branch))
            return false;
        lineage = resolve_lineage(resolver, branch);
    }
    for (size_t i = 0; i < heads->count; i++) {
        if (branch == NULL || revision_set_has(&lineage, heads->items[i]))
            revision_list_add(&starts, resolver->arena, heads->items[i]);
    }
    for (size_t i = 0; i < starts.count; i++) {
        struct walk walk = { .start = starts.items[i], .steps = target->steps };
        const struct revision *revision = NULL;
        bool is_too_far = false;

        if (!resolve_walk(resolver, &walk, &revision, &is_too_far))
            return false;
        if (is_too_far)
            return resolve_fail_too_far(resolver, target);
        if (revision != NULL && !revision_list_has(ret, revision))
            revision_list_add(ret, resolver->arena, revision);
    }
    return true;
}

bool target_revisions(const struct graph *graph, const version_rows *rows, const char *target,
                      struct arena *arena, struct revision_list *ret, struct error *err)
{
    struct resolver resolver = { graph, rows, arena, err };
    struct target_text text = { 0 };

    if (!target_text_parse(target, &text, err))
        return false;
    if (text.is_relative && text.steps < 0 && text.symbol.len == 0)
        return below_heads(&resolver, &text, ret);
    if (text.is_relative) {
        error_set(err, ERR_TARGET_INVALID, "relative target '%s' cannot be used here", target);
        return error_hint(err, "Name the revision itself.");
    }
    if (!text.has_branch && str_is(text.symbol, "current"))
        return resolve_rows(&resolver, ret);
    return resolve_symbol(&resolver, &text, ret);
}
