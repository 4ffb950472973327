/*
 * graph_text.c - the small language of graph_text.h.
 */
#include "tests/unit/graph_text.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SCRIPTS_MAX 64

struct drawing {
    struct arena *arena;
    struct script *scripts[SCRIPTS_MAX];
    size_t count;
};

static struct script *script_of(struct drawing *drawing, struct str id)
{
    struct script *script = NULL;

    for (size_t i = 0; i < drawing->count; i++) {
        if (str_is(id, drawing->scripts[i]->id))
            return drawing->scripts[i];
    }
    assert_true(drawing->count < SCRIPTS_MAX);
    script = arena_new(drawing->arena, struct script);
    script->id = arena_strndup(drawing->arena, id.ptr, id.len);
    script->path = arena_printf(drawing->arena, "%s.sql", script->id);
    script->message = arena_printf(drawing->arena, "message of %s", script->id);
    script->doc = script->message;
    script->id_line = 3;
    script->revises_line = 4;
    script->depends_on_line = 5;
    script->labels_line = 6;
    drawing->scripts[drawing->count++] = script;
    return script;
}

static size_t name_len(struct str text)
{
    size_t len = 0;

    while (len < text.len && strchr("<,[] ", text.ptr[len]) == NULL)
        len++;
    return len;
}

/* "id" or "id[label,label]"; *text is advanced behind it. */
static struct script *read_node(struct drawing *drawing, struct str *text)
{
    size_t len = name_len(*text);
    struct script *script = script_of(drawing, str_sub(*text, 0, len));

    assert_true(len > 0);
    *text = str_sub(*text, len, text->len);
    while (text->len > 0 &&
           (text->ptr[0] == '[' || (text->ptr[0] == ',' && script->labels.count > 0 &&
                                    text->len > 1 && text->ptr[1] != ' '))) {
        len = name_len(str_sub(*text, 1, text->len));
        str_list_add(&script->labels, drawing->arena,
                     arena_strndup(drawing->arena, text->ptr + 1, len));
        *text = str_sub(*text, len + 1, text->len);
    }
    if (text->len > 0 && text->ptr[0] == ']')
        *text = str_sub(*text, 1, text->len);
    return script;
}

static void read_drawing(struct drawing *drawing, struct str text)
{
    struct script *left = NULL;
    char edge = ',';

    while (text.len > 0) {
        struct script *right = NULL;

        text = str_trim(text);
        right = read_node(drawing, &text);
        if (edge == '-')
            str_list_add(&right->revises, drawing->arena, left->id);
        if (edge == '~')
            str_list_add(&right->depends_on, drawing->arena, left->id);
        left = right;
        text = str_trim(text);
        if (text.len == 0)
            break;
        edge = text.ptr[0] == '<' ? text.ptr[1] : ',';
        text = str_sub(text, edge == ',' ? 1 : 2, text.len);
    }
}

bool graph_try(const char *text, struct arena *arena, struct graph **ret, struct error *err)
{
    struct drawing drawing = { .arena = arena };

    read_drawing(&drawing, str_of(text));
    return graph_build((const struct script *const *) drawing.scripts, drawing.count, arena, ret,
                       err);
}

struct graph *graph_of(const char *text, struct arena *arena)
{
    struct graph *graph = NULL;
    struct error err = { 0 };

    if (!graph_try(text, arena, &graph, &err))
        fail_msg("\"%s\": %s", text, err.detail);
    return graph;
}

version_rows rows_of(const char *text, struct arena *arena)
{
    version_rows rows = { 0 };
    struct str rest = str_of(text);

    while (rest.len > 0) {
        size_t comma = str_find_char(rest, ',', 0);
        struct str row = str_trim(str_sub(rest, 0, comma));

        str_list_add(&rows, arena, arena_strndup(arena, row.ptr, row.len));
        rest = str_sub(rest, comma + 1, rest.len);
    }
    str_list_sort(&rows);
    return rows;
}

const char *text_of_list(const struct revision_list *list, struct arena *arena)
{
    struct str_list ids = { 0 };

    for (size_t i = 0; i < list->count; i++)
        str_list_add(&ids, arena, list->items[i]->id);
    return str_list_join(&ids, " ", arena);
}

const char *text_of_plan(const struct plan *plan, struct arena *arena)
{
    struct str_list words = { 0 };

    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        const char *rows = str_list_join(&step->rows_after, ",", arena);

        str_list_add(&words, arena,
                     arena_printf(arena, "%c%s=%s", step->direction == DIRECTION_UP ? '+' : '-',
                                  step->revision->id, rows));
    }
    str_list_add(&words, arena, "=>");
    for (size_t i = 0; i < plan->rows_after.count; i++)
        str_list_add(&words, arena, plan->rows_after.items[i]);
    return str_list_join(&words, " ", arena);
}
