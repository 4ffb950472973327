/*
 * accept.c - whether a database is where an application can run on it.
 *
 * "Below" is by Revises and Depends On alike: what a revision needs is applied with it.
 */
#include "migrations/accept.h"

#include <string.h>

static bool refuse(const char *text, const char *why, struct error *err)
{
    error_set(err, ERR_ARGUMENT_INVALID, "accepted range \"%s\" %s", text, why);
    return error_hint(err, "Write FROM..TO, FROM.. or ..TO, for instance a1b2c3d4e5f6..head.");
}

/* Index of the first "..", or text.len. */
static size_t find_dots(struct str text)
{
    size_t i = str_find_char(text, '.', 0);

    while (i + 1 < text.len && text.ptr[i + 1] != '.')
        i = str_find_char(text, '.', i + 1);
    return i + 1 < text.len ? i : text.len;
}

static const char *side_text(struct str side, struct arena *arena)
{
    return side.len == 0 ? NULL : arena_strndup(arena, side.ptr, side.len);
}

bool accept_parse(const char *text, struct arena *arena, struct accept_range *ret,
                  struct error *err)
{
    struct str whole = str_of(text);
    size_t dots = find_dots(whole);
    struct str from = str_trim(str_sub(whole, 0, dots));
    struct str to = str_trim(str_sub(whole, dots + strlen(".."), whole.len));

    if (dots == whole.len)
        return refuse(text, "has no \"..\"", err);
    if (find_dots(to) < to.len || str_starts_with(to, "."))
        return refuse(text, "has more than one \"..\"", err);
    if (from.len == 0 && to.len == 0)
        return refuse(text, "names no revision", err);
    *ret = (struct accept_range){ side_text(from, arena), side_text(to, arena) };
    return true;
}

/* The revision that a side names; NULL for base. */
static bool resolve_side(const struct graph *graph, const version_rows *rows, const char *name,
                         struct arena *arena, const struct revision **ret, struct error *err)
{
    struct revision_list revisions = { 0 };

    if (!target_revisions(graph, rows, name, arena, &revisions, err))
        return false;
    if (revisions.count > 1) {
        error_set(err, ERR_REVISION_AMBIGUOUS, "\"%s\" names %zu revisions, \"%s\" and \"%s\"%s",
                  name, revisions.count, revisions.items[0]->id, revisions.items[1]->id,
                  revisions.count > 2 ? " among them" : "");
        return error_hint(err, "A range begins and ends at one revision: name it.");
    }
    *ret = revisions.count == 0 ? NULL : revisions.items[0];
    return true;
}

bool accept_check(const struct graph *graph, const version_rows *rows,
                  const struct accept_range *range, bool *ret_inside, struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    struct revision_set applied = revision_set_new(graph, &arena);
    struct revision_set allowed = revision_set_new(graph, &arena);
    const struct revision *from = NULL;
    const struct revision *to = NULL;
    bool is_inside = true;

    if ((range->from != NULL && !resolve_side(graph, rows, range->from, &arena, &from, err)) ||
        (range->to != NULL && !resolve_side(graph, rows, range->to, &arena, &to, err)))
        return false;
    if (to != NULL)
        revision_set_add_ancestors(&allowed, to);
    for (size_t i = 0; i < rows->count; i++) {
        const struct revision *row = graph_find(graph, rows->items[i]);

        if (row != NULL)
            revision_set_add_ancestors(&applied, row);
        is_inside = is_inside && row != NULL &&
                    (range->to == NULL || (to != NULL && revision_set_has(&allowed, row)));
    }
    *ret_inside = is_inside && (from == NULL || revision_set_has(&applied, from));
    return true;
}
