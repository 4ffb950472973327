/*
 * print_revisions.c - revisions as Alembic prints them. The lines and entries themselves come ready
 * from migrations/format.h.
 */
#include "cli/print.h"

#include "cli/json_read.h"
#include "migrations/graph_draw.h"

#include <string.h>

/* Alembic marks "(current)" only when asked; the answers always do. A branch label of that name is
 * printed as "(current)" too, before the marks, and is not meant. */
static const char *find_current_mark(const json_t *revision, const char *line)
{
    static const char mark[] = " (current)";
    const char *arrow = strstr(line, "-> ");
    const json_t *labels = json_object_get(revision, "labels");
    const char *label = json_string_value(json_array_get(labels, 0));
    const char *found = NULL;

    if (!json_truth(revision, "is_current"))
        return NULL;
    found = strstr(arrow != NULL ? arrow : line, mark);
    if (found != NULL && arrow != NULL && json_array_size(labels) == 1 &&
        strcmp(label != NULL ? label : "", "current") == 0)
        found = strstr(found + sizeof(mark) - 1, mark);
    return found;
}

/* A line with its revision's id tinted: the id begins it, or follows the arrow. */
static void print_line(struct printer *printer, const json_t *revision, const char *line,
                       bool shows_current)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const char *id = json_text(revision, "id");
    const char *arrow = strstr(line, "-> ");
    const char *at = arrow != NULL ? arrow + 3 : line;
    const char *mark = shows_current ? NULL : find_current_mark(revision, line);

    if (strncmp(at, id, strlen(id)) != 0)
        at = line, id = "";
    print_text(printer, TINT_NONE, arena_strndup(&arena, line, (size_t) (at - line)));
    print_text(printer, TINT_NOTICE, id);
    at += strlen(id);
    if (mark != NULL) {
        print_text(printer, TINT_NONE, arena_strndup(&arena, at, (size_t) (mark - at)));
        at = mark + strlen(" (current)");
    }
    print_text(printer, TINT_NONE, at);
    print_text(printer, TINT_NONE, "\n");
}

/* The first line of an entry, which stands in `member`, holds the marks. Entries are followed by an
 * empty line. */
static void print_entry(struct printer *printer, const json_t *revision, const char *member,
                        bool shows_current)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const char *text = json_text(revision, member);
    const char *end = strchr(text, '\n');
    const char *first = end != NULL ? arena_strndup(&arena, text, (size_t) (end - text)) : text;
    const char *mark =
        shows_current || !json_truth(revision, "is_current") ? NULL : strstr(first, " (current)");

    if (mark != NULL) {
        print_text(printer, TINT_STRONG, arena_strndup(&arena, first, (size_t) (mark - first)));
        print_text(printer, TINT_STRONG, mark + strlen(" (current)"));
    } else {
        print_text(printer, TINT_STRONG, first);
    }
    print_text(printer, TINT_NONE, end != NULL ? end : "");
    print_text(printer, TINT_NONE, "\n\n");
}

void print_current(struct printer *printer, const json_t *current, const json_t *revisions)
{
    size_t index = 0;
    const json_t *item = NULL;
    const json_t *lines = json_object_get(current, "lines");

    if (printer->is_verbose)
        print_format(printer, "Current revision(s) for %s:\n", json_text(current, "database"));
    json_array_foreach(revisions, index, item) print_entry(printer, item, "text", false);
    json_array_foreach(lines, index, item)
    {
        if (!printer->is_verbose)
            print_format(printer, "%s\n", json_string_value(item));
    }
    json_array_foreach(json_object_get(current, "unknown"), index, item)
        print_format(printer, "%s (unknown)\n", json_string_value(item));
}

void print_history(struct printer *printer, const json_t *revisions, bool shows_current)
{
    size_t index = 0;
    const json_t *revision = NULL;

    json_array_foreach(revisions, index, revision)
    {
        if (printer->is_verbose)
            print_entry(printer, revision, "text", shows_current);
        else
            print_line(printer, revision, json_text(revision, "history_line"), shows_current);
    }
}

void print_heads(struct printer *printer, const json_t *revisions)
{
    size_t index = 0;
    const json_t *revision = NULL;

    json_array_foreach(revisions, index, revision)
    {
        if (printer->is_verbose)
            print_entry(printer, revision, "text", false);
        else
            print_line(printer, revision, json_text(revision, "head_line"), false);
    }
}

void print_branches(struct printer *printer, const json_t *branches)
{
    size_t index = 0;
    const json_t *branch = NULL;

    json_array_foreach(branches, index, branch)
    {
        if (printer->is_verbose)
            print_entry(printer, branch, "detail", false);
        else
            print_format(printer, "%s\n\n", json_text(branch, "entry"));
    }
}

/* ---- The drawing ---- */

/* Beside a revision stands its line without the parents, which are drawn, or its entry. */
static const char *graph_text(const struct printer *printer, const json_t *revision,
                              bool shows_current, struct arena *arena)
{
    const char *line = json_text(revision, printer->is_verbose ? "text" : "history_line");
    const char *arrow = strstr(line, "-> ");
    const char *mark = shows_current ? NULL : find_current_mark(revision, line);
    const char *from = printer->is_verbose || arrow == NULL ? line : arrow + strlen("-> ");

    if (mark == NULL)
        return printer->is_verbose ? arena_printf(arena, "%s\n", from) : from;
    return arena_printf(arena, "%.*s%s%s", (int) (mark - from), from, mark + strlen(" (current)"),
                        printer->is_verbose ? "\n" : "");
}

/* Parents come after their children. */
static const struct revision *find_node(const struct revision *nodes, size_t from, size_t count,
                                        const char *id)
{
    for (size_t i = from; i < count; i++) {
        if (strcmp(nodes[i].id, id) == 0)
            return &nodes[i];
    }
    return NULL;
}

/* What is drawn of a revision: which others of the list it continues. */
static struct revision *nodes_of(const json_t *revisions, struct arena *arena)
{
    size_t count = json_array_size(revisions);
    struct revision *nodes = arena_array(arena, struct revision, count);

    for (size_t i = 0; i < count; i++)
        nodes[i] =
            (struct revision){ .id = json_text(json_array_get(revisions, i), "id"), .index = i };
    for (size_t i = 0; i < count; i++) {
        const json_t *parents = json_object_get(json_array_get(revisions, i), "parents");

        for (size_t k = 0; k < json_array_size(parents); k++) {
            const char *id = json_string_value(json_array_get(parents, k));
            const struct revision *parent = find_node(nodes, i + 1, count, id != NULL ? id : "");

            if (parent != NULL)
                revision_list_add(&nodes[i].parents, arena, parent);
        }
    }
    return nodes;
}

void print_graph(struct printer *printer, const json_t *revisions, bool shows_current,
                 bool is_ascii)
{
    struct arena arena cleanup(arena_release) = { 0 };
    size_t count = json_array_size(revisions);
    struct revision *nodes = nodes_of(revisions, &arena);
    const char **texts = arena_array(&arena, const char *, count);
    struct revision_list list = { 0 };
    struct graph_drawing drawing = { &list, texts, is_ascii };

    for (size_t i = 0; i < count; i++) {
        texts[i] = graph_text(printer, json_array_get(revisions, i), shows_current, &arena);
        revision_list_add(&list, &arena, &nodes[i]);
    }
    print_text(printer, TINT_NONE, graph_draw(&drawing, &arena));
}

/* ---- With SQL ---- */

static void print_part(struct printer *printer, const json_t *statements, const char *marker)
{
    size_t index = 0;
    const json_t *statement = NULL;

    print_format(printer, "%s\n", marker);
    json_array_foreach(statements, index, statement)
        print_format(printer, "%s;\n", json_text(statement, "sql"));
    print_text(printer, TINT_NONE, "\n");
}

void print_revision(struct printer *printer, const json_t *revision)
{
    print_entry(printer, revision, "text", false);
    if (!printer->is_verbose)
        return;
    print_part(printer, json_object_get(revision, "upgrade"), "-- migrate:up");
    if (json_has(revision, "irreversible"))
        print_format(printer, "-- Irreversible: %s\n\n", json_text(revision, "irreversible"));
    else
        print_part(printer, json_object_get(revision, "downgrade"), "-- migrate:down");
}

void print_kept(struct printer *printer, const json_t *kept)
{
    struct arena arena cleanup(arena_release) = { 0 };

    print_note(printer,
               arena_printf(&arena, "no script declares it any more; it was applied from %s",
                            json_text(kept, "path")));
    (void) fputs(json_text(kept, "text"), printer->out);
}
