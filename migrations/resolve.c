/*
 * resolve.c - names, branches and walks.
 *
 * Alembic's rules (RevisionMap), with its guesses removed: a target is understood whole or refused,
 * an ambiguous beginning of an id is answered with the candidates, a branch must exist.
 */
#include "migrations/resolve.h"

#include "migrations/graph_index.h"

#include <string.h>

#define STEP_DIGITS_MAX 9
#define NAMES_MAX       6 /* told in one message */

/* --- text --- */

static bool fail_syntax(const char *text, const char *hint, struct error *err)
{
    error_set(err, ERR_TARGET_INVALID, "target \"%s\" is not understood", text);
    return error_hint(err, "%s", hint);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Index of the sign of a "+N" or "-N" at the end; text.len when there is none. */
static size_t find_steps(struct str text)
{
    size_t at = text.len;

    while (at > 0 && is_digit(text.ptr[at - 1]))
        at--;
    if (at == text.len || at == 0 || (text.ptr[at - 1] != '+' && text.ptr[at - 1] != '-'))
        return text.len;
    return at - 1;
}

static bool parse_steps(struct target_text *target, struct str steps, struct error *err)
{
    uint64_t count = 0;

    if (steps.len - 1 > STEP_DIGITS_MAX ||
        !str_to_u64(str_sub(steps, 1, steps.len), 999999999, &count))
        return fail_syntax(target->text, "There are not that many revisions.", err);
    target->steps = steps.ptr[0] == '-' ? -(long) count : (long) count;
    target->is_relative = true;
    return true;
}

bool target_text_parse(const char *text, struct target_text *ret, struct error *err)
{
    static const char hint[] =
        "A target is an id, the beginning of one, a branch label, head, heads or base; "
        "with +N or -N behind it, or that alone; with <branch>@ before it.";
    struct target_text target = { .text = text };
    struct str rest = str_of(text);
    size_t at = str_find_char(rest, '@', 0);
    size_t steps = 0;

    if (str_find_char(rest, ':', 0) < rest.len)
        return fail_syntax(text, "A range of revisions is not allowed here.", err);
    if (at < rest.len) {
        target.has_branch = true;
        target.branch = str_sub(rest, 0, at);
        rest = str_sub(rest, at + 1, rest.len);
    }
    steps = find_steps(rest);
    target.symbol = str_sub(rest, 0, steps);
    if (steps < rest.len && !parse_steps(&target, str_sub(rest, steps, rest.len), err))
        return false;
    if ((target.has_branch && target.branch.len == 0) ||
        (target.symbol.len == 0 && !target.is_relative) ||
        str_find_char(target.symbol, '@', 0) < target.symbol.len ||
        str_find_char(target.symbol, '+', 0) < target.symbol.len)
        return fail_syntax(text, hint, err);
    for (size_t i = 0; text[i] != '\0'; i++) {
        if ((unsigned char) text[i] <= ' ')
            return fail_syntax(text, hint, err);
    }
    *ret = target;
    return true;
}

/* --- failures --- */

static const char *copy(const struct resolver *resolver, struct str name)
{
    return arena_strndup(resolver->arena, name.ptr, name.len);
}

/* The ids of a list, told shortly. */
static const char *names_of(const struct resolver *resolver, const struct revision_list *list)
{
    struct str_list names = { 0 };

    for (size_t i = 0; i < list->count && i < NAMES_MAX; i++)
        str_list_add(&names, resolver->arena, list->items[i]->id);
    if (list->count > NAMES_MAX)
        str_list_add(&names, resolver->arena, "...");
    return str_list_join(&names, ", ", resolver->arena);
}

static bool fail_unknown(const struct resolver *resolver, struct str name)
{
    error_set(resolver->err, ERR_REVISION_UNKNOWN, "can't locate revision identified by '%s'",
              copy(resolver, name));
    graph_hint_nearest(resolver->graph, name, "`history` lists all revisions.", resolver->arena,
                       resolver->err);
    return false;
}

static bool fail_ambiguous(const struct resolver *resolver, struct str name, struct str_list *names)
{
    if (names->count > NAMES_MAX) {
        names->count = NAMES_MAX;
        names->items[NAMES_MAX - 1] = "...";
    }
    error_set(resolver->err, ERR_REVISION_AMBIGUOUS,
              "several revisions or labels begin with '%s': %s", copy(resolver, name),
              str_list_join(names, ", ", resolver->arena));
    return error_hint(resolver->err, "Write more of the one that is meant.");
}

static bool fail_heads(const struct resolver *resolver, const char *target,
                       const struct revision_list *heads)
{
    error_set(resolver->err, ERR_HEADS_MULTIPLE,
              "multiple head revisions are present for given argument '%s': %s", target,
              names_of(resolver, heads));
    return error_hint(resolver->err,
                      "Name one of them, or a branch's with '<branch>@head', or 'heads' for "
                      "all; or merge them: `merge heads`.");
}

bool resolve_fail_relative(const struct resolver *resolver, const struct target_text *target)
{
    error_set(resolver->err, ERR_TARGET_INVALID,
              "relative revision %+ld didn't produce %ld migrations", target->steps,
              target->steps < 0 ? -target->steps : target->steps);
    return error_hint(resolver->err,
                      "From where the database is, there are not that many revisions "
                      "in that direction.");
}

bool resolve_fail_too_far(const struct resolver *resolver, const struct target_text *target)
{
    error_set(resolver->err, ERR_TARGET_INVALID,
              "walked too far: '%s' is beyond the %s of the graph", target->text,
              target->steps < 0 ? "base" : "head");
    return error_hint(resolver->err, "`history` shows how many revisions there are.");
}

/* --- names --- */

static size_t count_known(const struct graph *graph, const version_rows *rows)
{
    size_t count = 0;

    for (size_t i = 0; i < rows->count; i++)
        count += graph_find(graph, rows->items[i]) != NULL;
    return count;
}

bool target_fail_unknown_row(const struct graph *graph, const version_rows *rows, const char *id,
                             struct arena *arena, struct error *err)
{
    struct str_list near = graph_names_near(graph, str_of(id), arena);

    error_set(err, ERR_DATABASE_REVISION_UNKNOWN,
              "the database records revision \"%s\", which no script declares", id);
    if (near.count > 0)
        error_hint(err,
                   "The scripts have \"%s\". If the id was changed there, change it back; if the "
                   "database is at that one, `stamp --purge %s` says so.",
                   str_list_join(&near, "\" and \"", arena), near.items[0]);
    else if (count_known(graph, rows) == 0)
        error_hint(err, "The database is ahead of these scripts, or belongs to others: use the "
                        "scripts that it was upgraded with, restore a backup, or stamp with purge "
                        "if the schema is known.");
    else
        error_hint(err,
                   "Bring its script back, restore a backup, or stamp with purge if the schema "
                   "is known.");
    return error_of_revision(err, id);
}

bool resolve_rows(const struct resolver *resolver, struct revision_list *ret)
{
    for (size_t i = 0; i < resolver->rows->count; i++) {
        const char *id = resolver->rows->items[i];
        const struct revision *revision = graph_find(resolver->graph, id);

        if (revision == NULL)
            return target_fail_unknown_row(resolver->graph, resolver->rows, id, resolver->arena,
                                           resolver->err);
        if (!revision_list_has(ret, revision))
            revision_list_add(ret, resolver->arena, revision);
    }
    return true;
}

struct revision_set resolve_lineage(const struct resolver *resolver, const struct revision *branch)
{
    struct revision_set lineage = revision_set_new(resolver->graph, resolver->arena);

    revision_set_add_parents(&lineage, branch);
    revision_set_add_children(&lineage, branch);
    return lineage;
}

/* An id or label, or the beginning of one; with lineage, of one in it. */
static bool resolve_name(const struct resolver *resolver, struct str name,
                         const struct revision_set *lineage, const struct revision **ret)
{
    struct graph_name *slot = graph_index_slot(&resolver->graph->names, copy(resolver, name));
    struct graph_matches found = { 0 };
    struct str_list names = { 0 };

    *ret = slot->revision;
    if (slot->name != NULL)
        return true;
    graph_match_prefix(resolver->graph, name, resolver->arena, &found);
    for (size_t i = 0; i < found.names.count; i++) {
        if (lineage != NULL && !revision_set_has(lineage, found.revisions.items[i]))
            continue;
        str_list_add(&names, resolver->arena, found.names.items[i]);
        *ret = found.revisions.items[i];
    }
    if (names.count == 0 && found.names.count == 1) {
        *ret = found.revisions.items[0]; /* outside of the lineage, which the caller tells */
        return true;
    }
    if (names.count == 0)
        return fail_unknown(resolver, name);
    return names.count == 1 || fail_ambiguous(resolver, name, &names);
}

bool resolve_branch(const struct resolver *resolver, struct str name, const struct revision **ret)
{
    return resolve_name(resolver, name, NULL, ret);
}

static void add_in_lineage(const struct resolver *resolver, const struct revision_list *list,
                           const struct revision_set *lineage, struct revision_list *ret)
{
    for (size_t i = 0; i < list->count; i++) {
        if (lineage == NULL || revision_set_has(lineage, list->items[i]))
            revision_list_add(ret, resolver->arena, list->items[i]);
    }
}

static bool resolve_identifier(const struct resolver *resolver, const struct target_text *target,
                               const struct revision_set *lineage, struct revision_list *ret)
{
    const struct revision *revision = NULL;

    if (!resolve_name(resolver, target->symbol, lineage, &revision))
        return false;
    if (lineage != NULL && !revision_set_has(lineage, revision)) {
        error_set(resolver->err, ERR_REVISION_UNKNOWN,
                  "revision \"%s\" is not a member of branch '%s'", revision->id,
                  copy(resolver, target->branch));
        return error_hint(resolver->err, "Leave the branch out, or name a revision of it.");
    }
    revision_list_add(ret, resolver->arena, revision);
    return true;
}

bool resolve_symbol(const struct resolver *resolver, const struct target_text *target,
                    struct revision_list *ret)
{
    const struct revision *branch = NULL;
    struct revision_set lineage = { 0 };
    const struct revision_set *limit = target->has_branch ? &lineage : NULL;

    if (target->has_branch) {
        if (!resolve_branch(resolver, target->branch, &branch))
            return false;
        lineage = resolve_lineage(resolver, branch);
    }
    if (str_is(target->symbol, "base"))
        return true;
    if (str_is(target->symbol, "heads")) {
        add_in_lineage(resolver,
                       limit != NULL ? graph_heads(resolver->graph)
                                     : graph_effective_heads(resolver->graph),
                       limit, ret);
        return true;
    }
    if (str_is(target->symbol, "head")) {
        add_in_lineage(resolver, graph_heads(resolver->graph), limit, ret);
        return ret->count <= 1 || fail_heads(resolver, target->text, ret);
    }
    if (str_is(target->symbol, "current")) {
        error_set(resolver->err, ERR_TARGET_INVALID, "'current' cannot be a target here");
        return error_hint(resolver->err, "It can be shown, and be an end of a range of history.");
    }
    return resolve_identifier(resolver, target, limit, ret);
}

bool resolve_one(const struct resolver *resolver, const struct target_text *target,
                 const struct revision **ret)
{
    struct revision_list found = { 0 };

    if (!resolve_symbol(resolver, target, &found))
        return false;
    if (found.count > 1)
        return fail_heads(resolver, target->text, &found);
    *ret = found.count > 0 ? found.items[0] : NULL;
    return true;
}

void resolve_tips(const struct resolver *resolver, const struct revision_list *rows,
                  struct revision_list *ret)
{
    struct revision_set active = revision_set_new(resolver->graph, resolver->arena);

    for (size_t i = 0; i < rows->count; i++)
        revision_set_add(&active, rows->items[i]);
    revision_set_close_down(&active);
    for (size_t i = 0; i < resolver->graph->count; i++) {
        const struct revision *revision = &resolver->graph->nodes[i];
        bool is_tip = revision_set_has(&active, revision);

        for (size_t k = 0; k < revision->children.count; k++)
            is_tip = is_tip && !revision_set_has(&active, revision->children.items[k]);
        if (is_tip)
            revision_list_add(ret, resolver->arena, revision);
    }
}

/* --- walks --- */

static bool fail_walk(const struct resolver *resolver, const struct revision *from,
                      const struct revision_list *ways)
{
    error_set(resolver->err, ERR_TARGET_INVALID, "ambiguous walk: from %s the next may be %s",
              from != NULL ? from->id : "base", names_of(resolver, ways));
    return error_hint(resolver->err,
                      "Name the revision that is meant, or a branch: '<branch>@+1'.");
}

bool resolve_walk(const struct resolver *resolver, const struct walk *walk,
                  const struct revision **ret, bool *ret_too_far)
{
    const struct revision *at = walk->start;
    long left = walk->steps < 0 ? -walk->steps : walk->steps;
    bool is_end = false;

    for (; left > 0; left--) {
        struct revision_list ways = { 0 };

        is_end = walk->steps < 0 && at == NULL;
        if (is_end)
            break;
        if (walk->steps < 0)
            ways = at->parents;
        else
            add_in_lineage(resolver, at != NULL ? &at->children : graph_bases(resolver->graph),
                           walk->lineage, &ways);
        if (ways.count > 1)
            return fail_walk(resolver, at, &ways);
        is_end = ways.count == 0 && walk->steps > 0;
        if (is_end)
            break;
        at = ways.count > 0 ? ways.items[0] : NULL;
    }
    if (ret_too_far != NULL)
        *ret_too_far = is_end && !walk->may_end;
    *ret = at;
    return true;
}
