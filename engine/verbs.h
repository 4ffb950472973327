/*
 * verbs.h - what a verb that changes something has of its own; all else is the same run.
 *
 * Internal to engine/.
 */
#pragma once

#include "migrations/run.h"

struct verb_rules {
    /* The way from the rows to what the request asks for. Fails as plan_upgrade and its like. */
    bool (*plan)(const struct graph *graph, const version_rows *rows,
                 const struct run_request *request, struct arena *arena, struct plan **ret_plan,
                 struct error *err);
    bool (*is_destructive)(const struct plan *plan,
                           struct arena *arena); /* for the backup policy */
    const char *target_default;                  /* when the request names none; NULL: it must */
    bool creates_database;                       /* a missing database is made */
    bool needs_same_scripts;                     /* scripts must be those that were applied */
};

extern const struct verb_rules upgrade_rules;
extern const struct verb_rules downgrade_rules;
extern const struct verb_rules stamp_rules;

/* The rules of a verb; NULL for a backup, which has no plan. */
const struct verb_rules *verb_rules_find(enum verb verb);

/* Whether a request is a stamp without a target: it only makes sure that there is a version
 * table. */
bool stamp_is_ensuring(const struct run_request *request);
