/*
 * format.c - Alembic's lines, word for word; only the order of what Alembic takes from a set is
 * fixed here.
 */
#include "migrations/format.h"

#define TEXT_MAX ((size_t) 16 * 1024 * 1024)

static const char *parents_of(const struct revision *revision, struct arena *arena)
{
    return str_list_join(&revision->script->revises, ", ", arena);
}

static const char *parents_or_base(const struct revision *revision, struct arena *arena)
{
    return revision->is_base ? "<base>" : parents_of(revision, arena);
}

static const char *labels_of(const struct revision *revision, struct arena *arena)
{
    if (revision->labels.count == 0)
        return "";
    return arena_printf(arena, " (%s)", str_list_join(&revision->labels, ", ", arena));
}

static const char *head_mark(const struct revision *revision)
{
    if (revision->is_effective_head)
        return " (head)";
    return revision->is_head ? " (effective head)" : "";
}

static const char *current_mark(const struct revision *revision, const version_rows *rows)
{
    return rows != NULL && str_list_has(rows, revision->id) ? " (current)" : "";
}

static const char *branch_mark(const struct revision *revision)
{
    return revision->is_branch_point ? " (branchpoint)" : "";
}

static const char *merge_mark(const struct revision *revision)
{
    return revision->is_merge_point ? " (mergepoint)" : "";
}

const char *format_head_line(const struct revision *revision, struct arena *arena)
{
    return arena_printf(arena, "%s%s%s", revision->id, labels_of(revision, arena),
                        head_mark(revision));
}

const char *format_current_line(const struct revision *revision, struct arena *arena)
{
    return arena_printf(arena, "%s%s%s%s", revision->id, head_mark(revision), branch_mark(revision),
                        merge_mark(revision));
}

const char *format_history_line(const struct revision *revision, const version_rows *rows,
                                struct arena *arena)
{
    const struct str_list *depends_on = &revision->script->depends_on;
    const char *needs = depends_on->count == 0
                            ? ""
                            : arena_printf(arena, " (%s)", str_list_join(depends_on, ", ", arena));

    return arena_printf(arena, "%s%s -> %s%s%s%s%s%s, %s", parents_or_base(revision, arena), needs,
                        revision->id, labels_of(revision, arena), head_mark(revision),
                        current_mark(revision, rows), branch_mark(revision), merge_mark(revision),
                        revision->script->doc);
}

/* As a branch point and its children are shown in `branches`. */
static const char *branch_line(const struct revision *revision, struct arena *arena)
{
    return arena_printf(arena, "%s%s%s%s%s", revision->id, labels_of(revision, arena),
                        head_mark(revision), branch_mark(revision), merge_mark(revision));
}

/* A line for each child, indented below its parent's id. */
static void add_branches(struct strbuf *text, const struct revision *revision, bool has_doc,
                         struct arena *arena)
{
    for (size_t i = 0; i < revision->children.count; i++) {
        const struct revision *child = revision->children.items[i];

        strbuf_printf(text, "\n%*s -> %s%s%s", (int) str_of(revision->id).len, "",
                      branch_line(child, arena), has_doc ? ", " : "",
                      has_doc ? child->script->doc : "");
    }
}

const char *format_branch_entry(const struct revision *revision, struct arena *arena)
{
    cleanup(strbuf_release) struct strbuf text = { 0 };

    strbuf_init(&text, TEXT_MAX);
    strbuf_add_text(&text, branch_line(revision, arena));
    add_branches(&text, revision, false, arena);
    return arena_strdup(arena, strbuf_text(&text));
}

const char *format_branch_detail(const struct revision *revision, const version_rows *rows,
                                 struct arena *arena)
{
    cleanup(strbuf_release) struct strbuf text = { 0 };

    strbuf_init(&text, TEXT_MAX);
    strbuf_printf(&text, "%s\n", format_revision_entry(revision, rows, arena));
    add_branches(&text, revision, true, arena);
    return arena_strdup(arena, strbuf_text(&text));
}

static void add_children(struct strbuf *text, const struct revision *revision)
{
    for (size_t i = 0; i < revision->children.count; i++)
        strbuf_printf(text, "%s%s", i == 0 ? "Branches into: " : ", ",
                      revision->children.items[i]->id);
    strbuf_add_char(text, '\n');
}

static void add_message(struct strbuf *text, struct str message)
{
    for (size_t from = 0; from <= message.len;) {
        size_t end = str_find_char(message, '\n', from);

        strbuf_printf(text, "    " STR_FORMAT "\n", STR_ARGS(str_sub(message, from, end)));
        from = end + 1;
    }
}

const char *format_revision_entry(const struct revision *revision, const version_rows *rows,
                                  struct arena *arena)
{
    cleanup(strbuf_release) struct strbuf text = { 0 };
    const struct script *script = revision->script;

    strbuf_init(&text, TEXT_MAX);
    strbuf_printf(&text, "Rev: %s%s%s%s%s\n", revision->id, revision->is_head ? " (head)" : "",
                  branch_mark(revision), merge_mark(revision), current_mark(revision, rows));
    strbuf_printf(&text, "%s: %s\n", revision->is_merge_point ? "Merges" : "Parent",
                  parents_or_base(revision, arena));
    if (script->depends_on.count > 0)
        strbuf_printf(&text, "Also depends on: %s\n",
                      str_list_join(&script->depends_on, ", ", arena));
    if (revision->is_branch_point)
        add_children(&text, revision);
    if (revision->labels.count > 0)
        strbuf_printf(&text, "Branch names: %s\n", str_list_join(&revision->labels, ", ", arena));
    strbuf_printf(&text, "Path: %s\n\n", script->path);
    add_message(&text, str_of(script->message[0] != '\0' ? script->message : script->doc));
    strbuf_printf(&text, "    \n    Revision ID: %s\n    Revises: %s", revision->id,
                  parents_of(revision, arena));
    if (script->create_date != NULL)
        strbuf_printf(&text, "\n    Create Date: %s", script->create_date);
    return arena_strdup(arena, strbuf_text(&text));
}

const char *format_step_line(const struct revision *revision, enum direction direction,
                             struct arena *arena)
{
    const char *parents = parents_of(revision, arena);

    if (direction == DIRECTION_UP)
        return arena_printf(arena, "Running upgrade %s -> %s, %s", parents, revision->id,
                            revision->script->doc);
    return arena_printf(arena, "Running downgrade %s -> %s, %s", revision->id, parents,
                        revision->script->doc);
}
