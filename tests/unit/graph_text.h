/*
 * graph_text.h - graphs, rows and plans as short texts, so that a test reads as a drawing.
 */
#pragma once

#include "migrations/plan.h"

/*
 * The graph of a text of chains, "a<-b<-c, b<-d": b continues a, c and d continue b.
 *
 *   "b<-m, c<-m"     m merges b and c, in this order
 *   "x<~c"           c depends on x (an id or a label)
 *   "b[left,other]"  b declares branch labels
 *
 * Scripts are in the order in which they first stand in the text. Their files are called
 * "<id>.sql", their messages "message of <id>", and the header lines of Revision ID, Revises,
 * Depends On and Branch Labels are 3, 4, 5 and 6. graph_of fails the test when the graph cannot be
 * built; graph_try says why.
 */
struct graph *graph_of(const char *text, struct arena *arena);
bool graph_try(const char *text, struct arena *arena, struct graph **ret, struct error *err);

/* "a, b" as rows. */
version_rows rows_of(const char *text, struct arena *arena);

/* "a b c" */
const char *text_of_list(const struct revision_list *list, struct arena *arena);

/* "+b=b +c=b,c => b c": each step with the rows it leaves, then the rows of the whole. */
const char *text_of_plan(const struct plan *plan, struct arena *arena);
