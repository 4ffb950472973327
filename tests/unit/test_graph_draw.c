/*
 * test_graph_draw.c - drawings of histories.
 *
 * The shapes are pictures. Random histories are read back: a tracer follows the lines of a drawing
 * and must find every edge, and none that is not there.
 */
#include "tests/unit/unit.h"

#include "migrations/graph_draw.h"
#include "migrations/target.h"
#include "tests/unit/graph_text.h"

#include <string.h>

#define GRAPHS    100
#define NODES_MAX 40
#define ROW_MAX   512

static const version_rows no_rows = { 0 };

static struct revision_list history_of(const struct graph *graph, const char *range,
                                       struct arena *arena)
{
    struct revision_list list = { 0 };
    struct error err = { 0 };

    if (!target_history(graph, &no_rows, range, arena, &list, &err))
        fail_msg("%s", err.detail);
    return list;
}

static const char *draw(const struct revision_list *list, const char *suffix, bool is_ascii,
                        struct arena *arena)
{
    const char **texts = arena_array(arena, const char *, list->count);
    struct graph_drawing drawing = { list, texts, is_ascii };

    for (size_t i = 0; i < list->count; i++)
        texts[i] = arena_printf(arena, "%s%s", list->items[i]->id, suffix);
    return graph_draw(&drawing, arena);
}

static const struct {
    const char *graph;
    const char *range;
    const char *ascii;
    const char *box;
} shapes[] = {
    { "a<-b<-c", "", "*  c\n*  b\n*  a\n", "●  c\n●  b\n●  a\n" },
    { "a<-b, a<-c", "",
      "*  b\n"
      "| *  c\n"
      "|/\n"
      "*  a\n",
      "●  b\n"
      "│ ●  c\n"
      "├─╯\n"
      "●  a\n" },
    { "a<-c, b<-c", "",
      "*    c\n"
      "|\\\n"
      "* |  a\n"
      "  *  b\n",
      "●    c\n"
      "├─╮\n"
      "● │  a\n"
      "  ●  b\n" },
    { "a<-b<-d, a<-c<-d, d<-e", "",
      "*  e\n"
      "*    d\n"
      "|\\\n"
      "* |  b\n"
      "| *  c\n"
      "|/\n"
      "*  a\n",
      "●  e\n"
      "●    d\n"
      "├─╮\n"
      "● │  b\n"
      "│ ●  c\n"
      "├─╯\n"
      "●  a\n" },
    /* one history below another is not its continuation */
    { "a<-b, x<-y", "", "*  b\n*  a\n\n*  y\n*  x\n", "●  b\n●  a\n\n●  y\n●  x\n" },
    /* three into one, one into three, and one into a line that is there */
    { "a<-b<-e, a<-c<-f, a<-d<-f, b<-f", "",
      "*  e\n"
      "| *    f\n"
      "+-|\n"
      "| |\\\n"
      "| * |  c\n"
      "* | |  b\n"
      "| | *  d\n"
      "|/  |\n"
      "|--/\n"
      "*  a\n",
      "●  e\n"
      "│ ●    f\n"
      "├─┤\n"
      "│ ├─╮\n"
      "│ ● │  c\n"
      "● │ │  b\n"
      "│ │ ●  d\n"
      "├─╯ │\n"
      "├───╯\n"
      "●  a\n" },
    /* a line is crossed */
    { "a<-b<-d<-f, a<-c<-e<-g, b<-e, c<-d", "",
      "*  f\n"
      "*    d\n"
      "|\\\n"
      "| | *  g\n"
      "| | *  e\n"
      "+-|-|\n"
      "* | |  b\n"
      "| |/\n"
      "| *  c\n"
      "|/\n"
      "*  a\n",
      NULL },
    /* what lies outside of the range is not drawn */
    { "a<-b<-d, a<-c<-d", "b:d", "*  d\n*  b\n", "●  d\n●  b\n" },
    { "a<-b<-d, a<-c<-d", "d:d", "*  d\n", "●  d\n" },
    { "", "", "", "" },
};

static void the_shapes(void **state)
{
    struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
        struct revision_list list =
            history_of(graph_of(shapes[i].graph, &arena), shapes[i].range, &arena);

        assert_string_equal(draw(&list, "", true, &arena), shapes[i].ascii);
        if (shapes[i].box != NULL)
            assert_string_equal(draw(&list, "", false, &arena), shapes[i].box);
    }
    arena_release(&arena);
}

static void long_texts_stand_beside_the_lines(void **state)
{
    struct arena arena = { 0 };
    struct revision_list list = history_of(graph_of("a<-c, b<-c", &arena), "", &arena);

    (void) state;
    assert_string_equal(draw(&list, "\n  more\n\n", true, &arena), "*    c\n"
                                                                   "|\\     more\n"
                                                                   "| |\n"
                                                                   "| |\n"
                                                                   "* |  a\n"
                                                                   "  |    more\n"
                                                                   "  |\n"
                                                                   "  |\n"
                                                                   "  *  b\n"
                                                                   "       more\n"
                                                                   "\n"
                                                                   "\n");
    arena_release(&arena);
}

/* --- reading a drawing back --- */

/* Which revisions, by their place in the list, have an edge in a column. */
typedef bool edge_set[NODES_MAX];

struct tracer {
    const struct revision_list *list;
    edge_set columns[2 * NODES_MAX];
    bool edges[NODES_MAX][NODES_MAX]; /* from a child to a parent */
    size_t node_count;
};

static void add_edges(edge_set to, const edge_set from)
{
    for (size_t i = 0; i < NODES_MAX; i++)
        to[i] = to[i] || from[i];
}

/* A column of a row without a node: nothing, a line, or one end of a horizontal line. */
static void trace_bend(struct tracer *tracer, const char *row, size_t len)
{
    size_t first = strcspn(row, "+-\\/");
    size_t last = len;
    size_t left = first / 2;
    size_t right = 0;

    if (first >= len)
        return;
    while (strchr("+-\\/", row[last - 1]) == NULL)
        last--;
    if (row[last - 1] == '\\' || row[last - 1] == '/') {
        right = last / 2;
        assert_int_equal(row[2 * left], '|');
        assert_true(2 * right >= len || row[2 * right] == ' ');
        if (row[last - 1] == '\\') {
            add_edges(tracer->columns[right], tracer->columns[left]);
            return;
        }
        add_edges(tracer->columns[left], tracer->columns[right]);
        memset(tracer->columns[right], 0, sizeof(edge_set));
        return;
    }
    right = row[last - 1] == '+' ? (last - 1) / 2 : last / 2;
    assert_true((row[2 * left] == '+') != (row[2 * right] == '+'));
    assert_true(row[2 * left] == '|' || row[2 * right] == '|');
    if (row[2 * left] == '+')
        add_edges(tracer->columns[left], tracer->columns[right]);
    else
        add_edges(tracer->columns[right], tracer->columns[left]);
}

static void trace_node(struct tracer *tracer, size_t column, const char *id)
{
    size_t node = tracer->node_count++;

    assert_string_equal(tracer->list->items[node]->id, id);
    for (size_t i = 0; i < NODES_MAX; i++)
        tracer->edges[i][node] = tracer->columns[column][i];
    memset(tracer->columns[column], 0, sizeof(edge_set));
    tracer->columns[column][node] = true;
}

static void trace_row(struct tracer *tracer, const char *row, size_t len)
{
    const char *star = memchr(row, '*', len);
    size_t cells = strspn(row, " |+-\\/*");
    char id[ROW_MAX] = "";

    if (star != NULL && cells < len) {
        memcpy(id, row + cells, len - cells);
        len = cells;
        while (len > 0 && row[len - 1] == ' ')
            len--;
    }
    trace_bend(tracer, row, len);
    for (size_t column = 0; column < ARRAY_SIZE(tracer->columns); column++) {
        char cell = 2 * column < len ? row[2 * column] : ' ';
        bool opens = 2 * column > 0 && 2 * column - 1 < len && row[2 * column - 1] == '\\';

        if (cell == '*')
            trace_node(tracer, column, id);
        else if ((cell == ' ' || cell == '-') && !opens)
            memset(tracer->columns[column], 0, sizeof(edge_set));
    }
}

static void check_edges(const struct tracer *tracer, const char *text)
{
    const struct revision_list *list = tracer->list;

    assert_int_equal(tracer->node_count, list->count);
    for (size_t child = 0; child < list->count; child++) {
        for (size_t parent = 0; parent < list->count; parent++) {
            bool is_edge = revision_list_has(&list->items[child]->parents, list->items[parent]);

            if (tracer->edges[child][parent] != is_edge)
                fail_msg("%s -> %s: %s\n%s", list->items[child]->id, list->items[parent]->id,
                         is_edge ? "missing" : "drawn", text);
        }
    }
}

static void trace(const struct revision_list *list, const char *text)
{
    struct tracer tracer = { .list = list };
    struct str rest = str_of(text);

    while (rest.len > 0) {
        size_t end = str_find_char(rest, '\n', 0);
        char row[ROW_MAX] = "";

        assert_true(end < sizeof(row));
        memcpy(row, rest.ptr, end);
        assert_true(end == 0 || row[end - 1] != ' ');
        trace_row(&tracer, row, end);
        rest = str_sub(rest, end + 1, rest.len);
    }
    check_edges(&tracer, text);
}

/* The same every time, on every machine. */
static unsigned draw_lot(uint32_t *seed, unsigned count)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 16) % count;
}

/* Up to three parents among the revisions before; rarely none. */
static struct graph *random_graph(uint32_t *seed, struct arena *arena)
{
    struct str_list edges = { 0 };
    unsigned count = 2 + draw_lot(seed, NODES_MAX - 2);

    for (unsigned i = 0; i < count; i++) {
        unsigned parents = i == 0 || draw_lot(seed, 12) == 0 ? 0 : 1 + draw_lot(seed, 5) / 2;
        unsigned step = i == 0 ? 0 : 1 + draw_lot(seed, i < 6 ? i : 6);

        if (parents == 0)
            str_list_add(&edges, arena, arena_printf(arena, "n%u", i));
        for (unsigned k = 0; k < parents && (k + 1) * step <= i; k++)
            str_list_add(&edges, arena, arena_printf(arena, "n%u<-n%u", i - (k + 1) * step, i));
    }
    return graph_of(str_list_join(&edges, ", ", arena), arena);
}

static void every_edge_of_random_graphs_is_drawn(void **state)
{
    uint32_t seed = 8;

    (void) state;
    for (unsigned i = 0; i < GRAPHS; i++) {
        struct arena arena = { 0 };
        struct graph *graph = random_graph(&seed, &arena);
        struct revision_list list = history_of(graph, "", &arena);
        struct revision_list part = history_of(graph, ":n1", &arena);

        trace(&list, draw(&list, "", true, &arena));
        trace(&part, draw(&part, "", true, &arena));
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shapes),
        cmocka_unit_test(long_texts_stand_beside_the_lines),
        cmocka_unit_test(every_edge_of_random_graphs_is_drawn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
