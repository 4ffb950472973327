/*
 * copy.h - deep copies of run values, because what crosses threads is never shared. Pure.
 */
#pragma once

#include "base/arena.h"
#include "migrations/run.h"

/* All texts and lists of the copy are in the arena. */
struct run_request copy_request(const struct run_request *request, struct arena *arena);
struct run_report copy_report(const struct run_report *report, struct arena *arena);
const char *copy_text(const char *text, struct arena *arena); /* NULL stays NULL */
struct str_list copy_texts(const struct str_list *texts, struct arena *arena);

/* What a request leads to, as its report says it: the target, or the stamps in one text; NULL when
 * nothing was said. In the arena. */
const char *copy_target(const struct run_request *request, struct arena *arena);
