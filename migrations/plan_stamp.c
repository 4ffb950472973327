/*
 * plan_stamp.c - version rows set by hand.
 *
 * Everything is resolved before anything is forgotten: Alembic's `stamp --purge` commits the
 * emptied table first, and a slip in the target then costs the rows. Rows on other lines than a
 * target's are left alone.
 */
#include "migrations/plan.h"

#include "migrations/planner.h"

static bool fail_target(struct planner *planner, const char *target, const char *detail,
                        const char *hint)
{
    error_set(planner->resolver.err, ERR_TARGET_INVALID, "'%s' cannot be stamped: %s", target,
              detail);
    return error_hint(planner->resolver.err, "%s", hint);
}

/* What shares a line with `revision`, dependencies included. */
static struct revision_set related_to(struct planner *planner, const struct revision *revision)
{
    struct revision_set related =
        revision_set_new(planner->resolver.graph, planner->resolver.arena);

    revision_set_add_ancestors(&related, revision);
    revision_set_add_descendants(&related, revision);
    return related;
}

static void drop_row(struct planner *planner, const struct revision *row)
{
    struct revision_list removed = { 0 };
    struct revision_list added = { 0 };

    revision_list_add(&removed, planner->resolver.arena, row);
    planner_add(planner, row, DIRECTION_DOWN, &removed, &added);
}

/* base: all rows go; branch@base: those which share a line with the branch. */
static bool stamp_base(struct planner *planner, const struct target_text *target)
{
    const struct revision_list rows = planner->row_revisions;
    struct revision_set related = { 0 };
    const struct revision *branch = NULL;

    if (target->has_branch) {
        if (!resolve_branch(&planner->resolver, target->branch, &branch))
            return false;
        related = related_to(planner, branch);
    }
    for (size_t i = 0; i < rows.count; i++) {
        if (!target->has_branch || revision_set_has(&related, rows.items[i]))
            drop_row(planner, rows.items[i]);
    }
    return true;
}

/* `revision` takes the place of the rows on its lines. */
static void stamp_revision(struct planner *planner, const struct revision *revision)
{
    struct arena *arena = planner->resolver.arena;
    struct revision_set related = related_to(planner, revision);
    struct revision_list removed = { 0 };
    struct revision_list added = { 0 };
    struct revision_list left = { 0 };
    enum direction direction = DIRECTION_UP;

    if (revision_list_has(&planner->row_revisions, revision))
        return;
    for (size_t i = 0; i < planner->row_revisions.count; i++) {
        const struct revision *row = planner->row_revisions.items[i];
        bool is_related = revision_set_has(&related, row);

        revision_list_add(is_related ? &removed : &left, arena, row);
        if (is_related && row->index > revision->index)
            direction = DIRECTION_DOWN;
    }
    revision_list_add(&added, arena, revision);
    revision_list_add(&left, arena, revision);
    planner->row_revisions = left;
    planner_add(planner, revision, direction, &removed, &added);
}

static bool add_target(struct planner *planner, const char *text, const struct revision *revision,
                       struct revision_list *targets)
{
    struct revision_set related = related_to(planner, revision);

    if (revision_list_has(targets, revision))
        return true;
    for (size_t i = 0; i < targets->count; i++) {
        if (revision_set_has(&related, targets->items[i]))
            return fail_target(planner, text, "another target implies it, or it another",
                               "Name only the newest revision of each line.");
    }
    revision_list_add(targets, planner->resolver.arena, revision);
    return true;
}

/* Of the heads of a branch one may depend on another. */
static bool is_implied(struct planner *planner, const struct revision *revision,
                       const struct revision_list *list)
{
    struct revision_set above = revision_set_new(planner->resolver.graph, planner->resolver.arena);

    revision_set_add_descendants(&above, revision);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i] != revision && revision_set_has(&above, list->items[i]))
            return true;
    }
    return false;
}

static bool resolve_target(struct planner *planner, const char *text, bool is_alone,
                           struct target_text *ret, struct revision_list *targets)
{
    struct revision_list found = { 0 };

    if (!target_text_parse(text, ret, planner->resolver.err))
        return false;
    if (ret->is_relative)
        return fail_target(planner, text, "it is relative", "Name the revision itself.");
    if (str_is(ret->symbol, "base") && !is_alone)
        return fail_target(planner, text, "there are other targets", "Stamp base alone.");
    if (!resolve_symbol(&planner->resolver, ret, &found))
        return false;
    for (size_t i = 0; i < found.count; i++) {
        if (!is_implied(planner, found.items[i], &found) &&
            !add_target(planner, text, found.items[i], targets))
            return false;
    }
    return true;
}

bool plan_stamp(const struct graph *graph, const version_rows *rows,
                const struct stamp_options *options, struct arena *arena, struct plan **ret_plan,
                struct error *err)
{
    struct resolver resolver = { graph, rows, arena, err };
    struct planner planner = { 0 };
    struct revision_list found = { 0 };
    struct target_text text = { 0 };
    const struct str_list *targets = &options->targets;

    planner_init(&planner, VERB_STAMP, &resolver);
    planner.plan->purges = options->purge;
    if (!options->purge && !resolve_rows(&planner.resolver, &planner.row_revisions))
        return false;
    for (size_t i = 0; i < targets->count; i++) {
        if (!resolve_target(&planner, targets->items[i], targets->count == 1, &text, &found))
            return false;
    }
    if (options->purge)
        planner.rows = (version_rows){ 0 };
    if (str_is(text.symbol, "base") && !stamp_base(&planner, &text))
        return false;
    for (size_t i = 0; i < found.count; i++)
        stamp_revision(&planner, found.items[i]);
    if (options->purge && planner.plan->count > 0)
        planner.plan->steps[0].rows_before = planner.plan->rows_before;
    *ret_plan = planner_finish(&planner);
    return true;
}
