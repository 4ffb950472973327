/*
 * graph_draw.c - columns, each an edge that waits for its parent.
 *
 * A revision stands in the leftmost column that waits for it; the others are led there first. Its
 * first parent takes its column over, every further one gets the column that waits for it already,
 * or a free one to the right. Columns stay where they are, so that an edge is one straight line
 * with a bend at either end; a row holds one bend.
 */
#include "migrations/graph_draw.h"

#include <stdint.h>

#define TEXT_MAX ((size_t) 256 * 1024 * 1024)

/* Column c is character 2c of a row; between two columns there is one for bends. */
enum cell {
    CELL_EMPTY,
    CELL_NODE,
    CELL_LINE,
    CELL_LINE_RIGHT, /* something begins or ends to the right of it */
    CELL_LINE_LEFT,
    CELL_MEETS_RIGHT, /* what comes from the right goes on with it */
    CELL_MEETS_LEFT,
    CELL_DASH,
    CELL_DASH_OPENS, /* the last one before a column begins */
    CELL_DASH_CLOSES,
    CELL_OPENS,
    CELL_CLOSES,
};

static const struct {
    const char *ascii;
    const char *box;
} glyphs[] = {
    [CELL_EMPTY] = { " ", " " },       [CELL_NODE] = { "*", "●" },
    [CELL_LINE] = { "|", "│" },        [CELL_LINE_RIGHT] = { "|", "├" },
    [CELL_LINE_LEFT] = { "|", "┤" },   [CELL_MEETS_RIGHT] = { "+", "├" },
    [CELL_MEETS_LEFT] = { "+", "┤" },  [CELL_DASH] = { "-", "─" },
    [CELL_DASH_OPENS] = { "\\", "─" }, [CELL_DASH_CLOSES] = { "/", "─" },
    [CELL_OPENS] = { " ", "╮" },       [CELL_CLOSES] = { " ", "╯" },
};

struct canvas {
    const struct graph_drawing *drawing;
    struct arena *arena;
    struct strbuf text;
    bool *is_drawn;                  /* by revision index: whether it is one of the drawing's */
    size_t index_count;              /* of is_drawn */
    const struct revision **awaited; /* by column; NULL is free */
    size_t count;                    /* columns up to the last one that is not free */
    size_t ended;                    /* column in which the row above ended; SIZE_MAX: none */
    unsigned char *row;              /* cells */
    const char *words;               /* what is left of the text beside the revision */
    size_t indent;                   /* characters before it */
};

static void canvas_release(struct canvas *canvas)
{
    strbuf_release(&canvas->text);
}

/* --- rows --- */

/* The lines as they are. */
static void clear_row(struct canvas *canvas)
{
    for (size_t i = 0; i < canvas->count; i++) {
        canvas->row[2 * i] = canvas->awaited[i] != NULL ? CELL_LINE : CELL_EMPTY;
        canvas->row[2 * i + 1] = CELL_EMPTY;
    }
}

/* The next line of the text beside the revision; false when there is none. */
static bool take_words(struct canvas *canvas, struct str *ret)
{
    struct str rest = str_of(canvas->words);
    size_t end = str_find_char(rest, '\n', 0);

    if (canvas->words == NULL)
        return false;
    *ret = str_sub(rest, 0, end);
    canvas->words = end < rest.len ? canvas->words + end + 1 : NULL;
    return true;
}

static void write_row(struct canvas *canvas)
{
    size_t width = canvas->count > 0 ? 2 * canvas->count - 1 : 0;
    struct str words = { 0 };
    bool has_words = take_words(canvas, &words);

    while (width > 0 && canvas->row[width - 1] == CELL_EMPTY)
        width--;
    /* In ASCII nothing is seen of these but the dash before them. */
    if (width > 0 && canvas->drawing->is_ascii && canvas->row[width - 1] >= CELL_OPENS)
        width--;
    for (size_t i = 0; i < width; i++)
        strbuf_add_text(&canvas->text, canvas->drawing->is_ascii ? glyphs[canvas->row[i]].ascii
                                                                 : glyphs[canvas->row[i]].box);
    if (has_words && words.len > 0)
        strbuf_printf(&canvas->text, "%*s" STR_FORMAT,
                      (int) (canvas->indent > width ? canvas->indent - width : 1), "",
                      STR_ARGS(words));
    strbuf_add_char(&canvas->text, '\n');
}

/* A horizontal line between two columns, without its ends; lines on its way are crossed. */
static void draw_dashes(struct canvas *canvas, size_t a, size_t b)
{
    for (size_t i = 2 * (a < b ? a : b) + 1; i < 2 * (a < b ? b : a); i++) {
        if (canvas->row[i] == CELL_EMPTY)
            canvas->row[i] = CELL_DASH;
    }
}

/* --- columns --- */

/* The first column from `from` on that waits for `revision`, or is free for NULL. */
static size_t find_column(const struct canvas *canvas, const struct revision *revision, size_t from)
{
    while (from < canvas->count && canvas->awaited[from] != revision)
        from++;
    return from;
}

static void set_column(struct canvas *canvas, size_t column, const struct revision *revision)
{
    canvas->awaited[column] = revision;
    if (column >= canvas->count)
        canvas->count = column + 1;
    while (canvas->count > 0 && canvas->awaited[canvas->count - 1] == NULL)
        canvas->count--;
}

static bool is_drawn(const struct canvas *canvas, const struct revision *revision)
{
    return revision->index < canvas->index_count && canvas->is_drawn[revision->index];
}

/* --- a revision --- */

/* The column of a revision that none waits for. Right below the end of another line it would look
 * like that one's parent. */
static size_t begin_column(struct canvas *canvas)
{
    size_t column = find_column(canvas, NULL, 0);

    if (column == canvas->ended) {
        clear_row(canvas);
        write_row(canvas);
    }
    return column;
}

/* Lead the other columns that wait for it to the first one; the nearest first, so that they do not
 * cross each other. */
static void close_columns(struct canvas *canvas, const struct revision *revision, size_t column)
{
    size_t other = find_column(canvas, revision, column + 1);

    while (other < canvas->count) {
        clear_row(canvas);
        canvas->row[2 * column] = CELL_LINE_RIGHT;
        draw_dashes(canvas, column, other);
        canvas->row[2 * other - 1] = CELL_DASH_CLOSES;
        canvas->row[2 * other] = CELL_CLOSES;
        write_row(canvas);
        set_column(canvas, other, NULL);
        other = find_column(canvas, revision, other);
    }
}

static void open_column(struct canvas *canvas, const struct revision *parent, size_t from,
                        size_t to)
{
    set_column(canvas, to, parent);
    clear_row(canvas);
    canvas->row[2 * from] = CELL_LINE_RIGHT;
    draw_dashes(canvas, from, to);
    canvas->row[2 * to - 1] = CELL_DASH_OPENS;
    canvas->row[2 * to] = CELL_OPENS;
    write_row(canvas);
}

static void meet_column(struct canvas *canvas, size_t from, size_t to)
{
    clear_row(canvas);
    canvas->row[2 * from] = from < to ? CELL_LINE_RIGHT : CELL_LINE_LEFT;
    draw_dashes(canvas, from, to);
    canvas->row[2 * to] = from < to ? CELL_MEETS_LEFT : CELL_MEETS_RIGHT;
    write_row(canvas);
}

/* Edges to all parents but the first; the farthest new column first, for the same reason. */
static void draw_merge(struct canvas *canvas, const struct revision_list *parents, size_t column)
{
    size_t *columns = arena_array(canvas->arena, size_t, parents->count);
    size_t free_column = column;

    for (size_t i = 1; i < parents->count; i++) {
        columns[i] = find_column(canvas, parents->items[i], 0);
        if (columns[i] < canvas->count)
            meet_column(canvas, column, columns[i]);
        else
            columns[i] = SIZE_MAX;
    }
    for (size_t i = 1; i < parents->count; i++) {
        if (columns[i] != SIZE_MAX) {
            columns[i] = SIZE_MAX;
            continue;
        }
        free_column = find_column(canvas, NULL, free_column + 1);
        columns[i] = free_column;
    }
    for (size_t i = parents->count; i > 1; i--) {
        if (columns[i - 1] != SIZE_MAX)
            open_column(canvas, parents->items[i - 1], column, columns[i - 1]);
    }
}

static void draw_node(struct canvas *canvas, size_t column)
{
    clear_row(canvas);
    canvas->row[2 * column] = CELL_NODE;
    write_row(canvas);
}

static void draw_revision(struct canvas *canvas, const struct revision *revision, const char *words)
{
    size_t column = find_column(canvas, revision, 0);
    struct revision_list parents = { 0 };

    for (size_t i = 0; i < revision->parents.count; i++) {
        if (is_drawn(canvas, revision->parents.items[i]))
            revision_list_add(&parents, canvas->arena, revision->parents.items[i]);
    }
    if (column == canvas->count)
        column = begin_column(canvas);
    else
        close_columns(canvas, revision, column);
    set_column(canvas, column, revision);
    canvas->words = words;
    canvas->indent = 2 * canvas->count + 1;
    for (size_t i = 1; i < parents.count; i++) {
        if (find_column(canvas, parents.items[i], 0) == canvas->count)
            canvas->indent += 2;
    }
    draw_node(canvas, column);
    set_column(canvas, column, parents.count > 0 ? parents.items[0] : NULL);
    canvas->ended = parents.count > 0 ? SIZE_MAX : column;
    draw_merge(canvas, &parents, column);
    for (; canvas->words != NULL; canvas->ended = SIZE_MAX) {
        clear_row(canvas);
        write_row(canvas);
    }
}

const char *graph_draw(const struct graph_drawing *drawing, struct arena *arena)
{
    const struct revision_list *list = drawing->revisions;
    cleanup(canvas_release) struct canvas canvas = { .drawing = drawing,
                                                     .arena = arena,
                                                     .ended = SIZE_MAX };
    size_t columns_max = 1;

    for (size_t i = 0; i < list->count; i++) {
        columns_max += 1 + list->items[i]->parents.count;
        if (list->items[i]->index >= canvas.index_count)
            canvas.index_count = list->items[i]->index + 1;
    }
    canvas.is_drawn = arena_array(arena, bool, canvas.index_count);
    canvas.awaited = arena_array(arena, const struct revision *, columns_max);
    canvas.row = arena_array(arena, unsigned char, 2 * columns_max);
    for (size_t i = 0; i < list->count; i++)
        canvas.is_drawn[list->items[i]->index] = true;
    strbuf_init(&canvas.text, TEXT_MAX);
    for (size_t i = 0; i < list->count; i++)
        draw_revision(&canvas, list->items[i], drawing->texts[i]);
    return arena_strdup(arena, strbuf_text(&canvas.text));
}
