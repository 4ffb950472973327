/*
 * graph_draw.h - `history --graph`: branches and merges as lines beside the revisions, in the
 * manner of `git log --graph`.
 *
 *     *    dddd -> a merge of bbbb and cccc            ●    the same, where the
 *     |\                                               ├─╮  terminal can
 *     | *  cccc                                        │ ●
 *     * |  bbbb                                        ● │
 *     |/                                               ├─╯
 *     *    aaaa                                        ●
 *
 * A line is an edge by Revises; a line that meets another one at a '+' goes on with it, one that
 * passes between '-' and '-' is crossed. What a revision depends on stands in its text.
 *
 * Pure. Memory: the caller's arena.
 */
#pragma once

#include "migrations/graph.h"

struct graph_drawing {
    const struct revision_list *revisions; /* each before its parents, as target_history has them;
                                              parents that are not among them are not drawn */
    const char *const *texts;              /* beside each of them; may have several lines */
    bool is_ascii;                         /* else box-drawing characters in UTF-8 */
};

/* The drawing; every line ends with a line feed, none with a space of the drawing. Never fails. */
const char *graph_draw(const struct graph_drawing *drawing, struct arena *arena);
