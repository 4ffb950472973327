/*
 * expect.h - refusing to act on a database that is not where its caller thinks it is.
 *
 * Internal to engine/.
 */
#pragma once

#include "migrations/run.h"

/*
 * Whether the rows are the request's `expect`, in any order; one that expects nothing is content.
 * Fails ERR_PRECONDITION_FAILED, which says what is there.
 */
must_check bool expect_check(const struct run_request *request, const version_rows *rows,
                             struct arena *arena, struct error *err);
