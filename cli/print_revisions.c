/*
 * print_revisions.c - revisions as Alembic prints them. The lines and entries themselves come ready
 * from migrations/format.h.
 */
#include "cli/print.h"

#include "cli/json_read.h"

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

/* The first line of an entry holds the marks. Entries are followed by an empty line. */
static void print_entry(struct printer *printer, const json_t *revision, bool shows_current)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const char *text = json_text(revision, "text");
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
    json_array_foreach(revisions, index, item) print_entry(printer, item, false);
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
            print_entry(printer, revision, shows_current);
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
            print_entry(printer, revision, false);
        else
            print_line(printer, revision, json_text(revision, "head_line"), false);
    }
}

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
    print_entry(printer, revision, false);
    if (!printer->is_verbose)
        return;
    print_part(printer, json_object_get(revision, "upgrade"), "-- migrate:up");
    if (json_has(revision, "irreversible"))
        print_format(printer, "-- Irreversible: %s\n\n", json_text(revision, "irreversible"));
    else
        print_part(printer, json_object_get(revision, "downgrade"), "-- migrate:down");
}
