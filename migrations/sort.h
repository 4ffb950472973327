/*
 * sort.h - the order in which Alembic would run revisions. Internal to migrations/.
 */
#pragma once

#include "migrations/graph.h"

/*
 * Order `members` from the newest down, beginning at `heads`: every revision before those it needs.
 *
 * members  every member is a head or is needed by a member, and whatever lies on a way down between
 *          two members is one too.
 * heads    those that are no members are passed over.
 * ret      in the arena.
 */
void sort_newest_first(const struct revision_set *members, const struct revision_list *heads,
                       struct arena *arena, struct revision_list *ret);
