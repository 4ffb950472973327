/*
 * check.c - the findings, one kind after the other.
 *
 * What planning would refuse is found by planning, so that it is told in the same words.
 */
#include "engine/check.h"

#include "engine/kept_script.h"
#include "engine/state.h"
#include "migrations/plan.h"

#include <string.h>

struct check {
    const struct engine_settings *settings;
    const struct graph *graph;
    const struct current *current;
    struct arena *arena;
    version_rows known; /* rows that scripts declare */
    struct findings findings;
    size_t capacity;
};

/* Room for one more; still unset. */
static struct error *add(struct check *check)
{
    struct findings *findings = &check->findings;

    if (findings->count == check->capacity) {
        struct error *items = NULL;

        check->capacity = check->capacity == 0 ? 8 : 2 * check->capacity;
        items = arena_array(check->arena, struct error, check->capacity);
        if (findings->count > 0)
            memcpy(items, findings->items, findings->count * sizeof(*items));
        findings->items = items;
    }
    return &findings->items[findings->count++];
}

static const char *ids_of(const struct revision_list *list, struct arena *arena)
{
    struct str_list ids = { 0 };

    for (size_t i = 0; i < list->count; i++)
        str_list_add(&ids, arena, list->items[i]->id);
    return str_list_join(&ids, ", ", arena);
}

/* ---- Version rows ---- */

static void check_unknown_rows(struct check *check)
{
    const version_rows *rows = &check->current->rows;
    const version_rows *unknown = &check->current->unknown;

    for (size_t i = 0; i < unknown->count; i++) {
        struct error *error = add(check);

        (void) target_fail_unknown_row(check->graph, rows, unknown->items[i], check->arena, error);
        kept_script_explain(check->settings, error);
    }
}

static void find_known_rows(struct check *check)
{
    const version_rows *rows = &check->current->rows;

    for (size_t i = 0; i < rows->count; i++) {
        if (!str_list_has(&check->current->unknown, rows->items[i]))
            str_list_add(&check->known, check->arena, rows->items[i]);
    }
}

static void check_overlap(struct check *check)
{
    struct error cause = { .code = ERR_OK };
    struct plan *plan = NULL;

    if (!plan_upgrade(check->graph, &check->known, "heads", check->arena, &plan, &cause))
        *add(check) = cause;
}

/* ---- Scripts that were applied ---- */

bool script_check(const struct script *script, const char *applied, const version_rows *rows,
                  struct error *err)
{
    struct source_pos pos = { .file = script->path, .line = script->id_line, .column = 1 };
    cleanup(arena_release) struct arena arena = { 0 };
    bool is_only_row = rows->count == 1 && strcmp(rows->items[0], script->id) == 0;

    if (strcmp(applied, script->sha256) == 0)
        return true;
    error_set(err, ERR_SCRIPT_CHANGED,
              "script of revision \"%s\" changed since it was applied (SHA-256 %.12s then, %.12s "
              "now)",
              script->id, applied, script->sha256);
    error_hint(err,
               "Bring the script back as it was applied. If the new text is meant, "
               "`stamp --purge %s` accepts it%s%s%s.",
               script->id, is_only_row ? "" : "; then `stamp --purge ",
               is_only_row ? "" : str_list_join(rows, " ", &arena),
               is_only_row ? "" : "` says again where the database is");
    error_of_revision(err, script->id);
    return error_at(err, &pos);
}

static void add_missing(struct check *check, const char *revision)
{
    struct error *error = add(check);

    error_set(error, ERR_REVISION_UNKNOWN,
              "revision \"%s\" was applied, and no script declares it any more", revision);
    error_hint(error, "Bring its script back: the journal kept it, and `show %s` prints it.%s%s%s",
               revision,
               check->known.count == 0 ? ""
                                       : " If another script does its part now, `stamp --purge ",
               str_list_join(&check->known, " ", check->arena),
               check->known.count == 0 ? "" : "` says that all is well.");
    error_of_revision(error, revision);
}

static struct revision_set applied_set(const struct check *check)
{
    struct revision_set applied = revision_set_new(check->graph, check->arena);

    for (size_t i = 0; i < check->known.count; i++)
        revision_set_add(&applied, graph_find(check->graph, check->known.items[i]));
    revision_set_close_down(&applied);
    return applied;
}

static void check_missing(struct check *check, const struct applied_script *scripts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct applied_script *script = &scripts[i];

        if (script->is_applied && graph_find(check->graph, script->revision) == NULL &&
            !str_list_has(&check->current->rows, script->revision))
            add_missing(check, script->revision);
    }
}

static void check_changed(struct check *check, const struct applied_script *scripts, size_t count)
{
    struct revision_set applied = applied_set(check);

    for (size_t i = 0; i < count; i++) {
        const struct revision *revision = graph_find(check->graph, scripts[i].revision);
        struct error cause = { .code = ERR_OK };

        if (revision != NULL && revision_set_has(&applied, revision) &&
            !script_check(revision->script, scripts[i].sha256, &check->current->rows, &cause))
            *add(check) = cause;
    }
}

static bool check_scripts(struct check *check, struct error *err)
{
    cleanup_journal struct journal *journal = NULL;
    struct applied_script *scripts = NULL;
    size_t count = 0;

    if (!state_has_journal(check->settings))
        return true;
    if (!state_journal_open(check->settings, &journal, err) ||
        !journal_applied_read(journal, &check->current->rows, check->arena, &scripts, &count, err))
        return false;
    check_missing(check, scripts, count);
    check_changed(check, scripts, count);
    return true;
}

/* ---- Heads ---- */

static void check_heads(struct check *check)
{
    const struct revision_list *heads = graph_heads(check->graph);
    struct error *error = NULL;

    if (heads->count <= 1)
        return;
    error = add(check);
    error_set(error, ERR_HEADS_MULTIPLE, "the scripts have %zu heads: %s", heads->count,
              ids_of(heads, check->arena));
    error_hint(error, "`merge heads` writes a script that joins them.");
}

static void check_behind(struct check *check)
{
    const struct current *current = check->current;
    const struct revision_list *heads = graph_heads(check->graph);
    struct error *error = NULL;

    if (current->pending == 0)
        return;
    error = add(check);
    error_set(error, ERR_NOT_READY, "the database is at %s, %zu revision%s behind %s",
              current->rows.count == 0 ? "base" : str_list_join(&current->rows, ", ", check->arena),
              current->pending, current->pending == 1 ? "" : "s", ids_of(heads, check->arena));
    error_hint(error, "`plan` shows what is to be applied, `upgrade%s` applies it.",
               heads->count > 1 ? " heads" : "");
}

bool engine_check(const struct engine_settings *settings, const struct graph *graph,
                  const struct current *current, struct arena *arena, struct findings *ret,
                  struct error *err)
{
    struct check check = {
        .settings = settings, .graph = graph, .current = current, .arena = arena
    };

    find_known_rows(&check);
    check_unknown_rows(&check);
    check_overlap(&check);
    if (!check_scripts(&check, err))
        return false;
    check_heads(&check);
    check_behind(&check);
    *ret = check.findings;
    return true;
}
