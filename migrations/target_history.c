/*
 * target_history.c - the range of `history -r`.
 *
 * Each end may count from the other one, so the end that does not is resolved first.
 */
#include "migrations/resolve.h"
#include "migrations/sort.h"

struct range {
    const struct resolver *resolver;
    const char *text;
    struct revision_list lower; /* none: base */
    struct revision_list upper;
    const struct revision
        *lower_branch; /* branch@X: as lower end limits the upper end's heads to it */
};

static bool fail_range(const struct range *range, const char *detail, const char *hint)
{
    error_set(range->resolver->err, ERR_TARGET_INVALID, "%s: '%s'", detail, range->text);
    return error_hint(range->resolver->err, "%s", hint);
}

/* An end that stands for itself. */
static bool resolve_end(const struct range *range, const struct target_text *end,
                        struct revision_list *ret)
{
    const struct resolver *resolver = range->resolver;
    struct walk walk = { .steps = end->steps, .may_end = true };
    const struct revision *revision = NULL;

    if (!end->has_branch && !end->is_relative && str_is(end->symbol, "current"))
        return resolve_rows(resolver, ret);
    if (!end->is_relative)
        return resolve_symbol(resolver, end, ret);
    if (!resolve_one(resolver, end, &walk.start) || !resolve_walk(resolver, &walk, &revision, NULL))
        return false;
    if (revision != NULL)
        revision_list_add(ret, resolver->arena, revision);
    return true;
}

/* "+N" above the lower end, "-N" below the upper one; it stops where the graph ends. */
static bool resolve_counted(const struct range *range, const struct target_text *end,
                            const struct revision_list *from, struct revision_list *ret)
{
    const struct resolver *resolver = range->resolver;
    struct revision_set lineage = { 0 };
    struct revision_list starts = *from;
    const struct revision *branch = NULL;
    struct walk walk = { .steps = end->steps, .may_end = true };

    if (end->has_branch) {
        if (!resolve_branch(resolver, end->branch, &branch))
            return false;
        lineage = resolve_lineage(resolver, branch);
        walk.lineage = &lineage;
        starts = (struct revision_list){ 0 };
        for (size_t i = 0; i < from->count; i++) {
            if (revision_set_has(&lineage, from->items[i]))
                revision_list_add(&starts, resolver->arena, from->items[i]);
        }
    }
    if (starts.count > 1)
        return fail_range(range, "ambiguous walk from several revisions",
                          "Name a branch: '<branch>@+1' or '<branch>@-1'.");
    walk.start = starts.count > 0 ? starts.items[0] : NULL;
    if (!resolve_walk(resolver, &walk, &branch, NULL))
        return false;
    if (branch != NULL)
        revision_list_add(ret, resolver->arena, branch);
    return true;
}

static bool is_counted(const struct target_text *end)
{
    return end->is_relative && end->symbol.len == 0;
}

static bool resolve_ends(struct range *range, const struct target_text *lower,
                         const struct target_text *upper)
{
    if (is_counted(lower) && is_counted(upper))
        return fail_range(range, "both ends of the range are relative",
                          "Name one of the revisions.");
    if ((is_counted(lower) && lower->steps >= 0) || (is_counted(upper) && upper->steps <= 0))
        return fail_range(
            range, "an end of the range counts the wrong way",
            "The lower end counts down from the upper one ('-2:'), the upper one up from "
            "the lower one (':+2').");
    if (is_counted(lower))
        return resolve_end(range, upper, &range->upper) &&
               resolve_counted(range, lower, &range->upper, &range->lower);
    if (!resolve_end(range, lower, &range->lower))
        return false;
    return is_counted(upper) ? resolve_counted(range, upper, &range->lower, &range->upper)
                             : resolve_end(range, upper, &range->upper);
}

static bool parse_end(const struct range *range, struct str text, const char *otherwise,
                      struct target_text *ret)
{
    const struct resolver *resolver = range->resolver;

    text = str_trim(text);
    return target_text_parse(text.len == 0 ? otherwise
                                           : arena_strndup(resolver->arena, text.ptr, text.len),
                             ret, resolver->err);
}

static bool resolve_range(struct range *range)
{
    struct str text = str_of(range->text);
    size_t colon = str_find_char(text, ':', 0);
    struct target_text lower = { 0 };
    struct target_text upper = { 0 };
    struct revision_set lineage = { 0 };
    struct revision_list heads = { 0 };

    if (colon == text.len || str_find_char(text, ':', colon + 1) < text.len)
        return fail_range(range, "history range requires [start]:[end], [start]:, or :[end]",
                          "Write one colon.");
    if (!parse_end(range, str_sub(text, 0, colon), "base", &lower) ||
        !parse_end(range, str_sub(text, colon + 1, text.len), "heads", &upper) ||
        !resolve_ends(range, &lower, &upper))
        return false;
    if (!lower.has_branch)
        return true;
    if (!resolve_branch(range->resolver, lower.branch, &range->lower_branch))
        return false;
    lineage = resolve_lineage(range->resolver, range->lower_branch);
    heads = range->upper;
    range->upper = (struct revision_list){ 0 };
    for (size_t i = 0; i < heads.count; i++) {
        if (revision_set_has(&lineage, heads.items[i]))
            revision_list_add(&range->upper, range->resolver->arena, heads.items[i]);
    }
    return true;
}

/* What of `required` is above one of the lower ends by Revises, these included; all of it when the
 * lower end is base. */
static bool select_members(const struct range *range, const struct revision_set *required,
                           struct revision_set *ret)
{
    struct revision_set below = revision_set_new(required->graph, range->resolver->arena);

    for (size_t i = 0; i < range->lower.count; i++) {
        const struct revision *lower = range->lower.items[i];

        if (!revision_set_has(required, lower))
            return fail_range(range,
                              "requested range does not refer to ancestor/descendant revisions "
                              "along the same branch",
                              "Its lower end has to be an ancestor of its upper end.");
        revision_set_add_children(ret, lower);
        revision_set_add_ancestors(&below, lower);
    }
    for (size_t i = 0; i < ret->count; i++)
        ret->bits[i] =
            required->bits[i] && !below.bits[i] && (ret->bits[i] || range->lower.count == 0);
    for (size_t i = 0; i < range->lower.count; i++)
        revision_set_add(ret, range->lower.items[i]);
    return true;
}

/* Whether sort_newest_first can order `members` from `heads` alone; a way over Depends On may lead
 * out of a range and back in. */
static bool is_closed(const struct revision_set *members, const struct revision_list *heads,
                      struct arena *arena)
{
    const struct revision_list *all = graph_revisions(members->graph);
    struct revision_set above = revision_set_new(members->graph, arena);
    struct revision_set below = revision_set_new(members->graph, arena);
    bool is_closed = true;

    for (size_t i = 0; i < all->count; i++) {
        const struct revision *revision = all->items[i];
        bool is_needed = false;

        if (!revision_set_has(members, revision))
            continue;
        revision_set_add(&above, revision);
        revision_set_add(&below, revision);
        for (size_t k = 0; k < revision->dependents.count; k++)
            is_needed = is_needed || revision_set_has(members, revision->dependents.items[k]);
        is_closed = is_closed && (is_needed || revision_list_has(heads, revision));
    }
    revision_set_close_up(&above);
    revision_set_close_down(&below);
    for (size_t i = 0; i < all->count; i++)
        is_closed = is_closed && (members->bits[i] || !above.bits[i] || !below.bits[i]);
    return is_closed;
}

bool target_history(const struct graph *graph, const version_rows *rows, const char *range_text,
                    struct arena *arena, struct revision_list *ret, struct error *err)
{
    struct resolver resolver = { graph, rows, arena, err };
    struct range range = { .resolver = &resolver, .text = range_text };
    struct revision_set required = revision_set_new(graph, arena);
    struct revision_set members = revision_set_new(graph, arena);
    struct revision_list sorted = { 0 };

    if (range_text == NULL || range_text[0] == '\0')
        range.upper = *graph_effective_heads(graph);
    else if (!resolve_range(&range))
        return false;
    for (size_t i = 0; i < range.upper.count; i++)
        revision_set_add(&required, range.upper.items[i]);
    revision_set_close_down(&required);
    if (!select_members(&range, &required, &members))
        return false;
    sort_newest_first(is_closed(&members, &range.upper, arena) ? &members : &required, &range.upper,
                      arena, &sorted);
    for (size_t i = 0; i < sorted.count; i++) {
        if (revision_set_has(&members, sorted.items[i]))
            revision_list_add(ret, arena, sorted.items[i]);
    }
    return true;
}
