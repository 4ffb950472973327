/*
 * params.h - what a run or a script is asked for, from a JSON body, from query parameters, or from
 * nothing.
 *
 * Both have the same names and are read by one table; what is unknown, of the wrong type, or given
 * twice (in the body and the query, say) is refused by name. Pure.
 */
#pragma once

#include "api/uri.h"
#include "migrations/revision_request.h"
#include "migrations/run.h"

#define PARAM_MESSAGE_MAX   1000 /* bytes */
#define PARAM_PATH_MAX      1000 /* bytes */
#define PARAM_REASON_MAX    500  /* bytes */
#define PARAM_TARGET_MAX    200  /* bytes */
#define PARAM_LIST_MAX      100  /* targets or ids */
#define LOCK_TIMEOUT_MS_MAX (60u * 60u * 1000u)
#define RUN_TIMEOUT_MS_MAX  (24u * 60u * 60u * 1000u)

/*
 * Read a run request.
 *
 * verb    what was asked; decides which names are taken.
 * uri     its parameters.
 * body    JSON object, or empty.
 * ret     in the arena; actor and id are left empty. A stamp without any target was asked for by an
 *         empty list in the body.
 * Fails   ERR_REQUEST_MALFORMED (body is not JSON, or not an object; a name twice in it),
 *         ERR_ARGUMENT_INVALID (names the argument).
 * Thread  any.
 */
must_check bool params_read_run(enum verb verb, const struct uri *uri, struct str body,
                                struct arena *arena, struct run_request *ret, struct error *err);

/* Read what GET /plan takes: verb (upgrade, downgrade, stamp), target, targets, purge. Fails
 * ERR_ARGUMENT_INVALID. Any thread. */
must_check bool params_read_plan(const struct uri *uri, struct arena *arena,
                                 struct run_request *ret, struct error *err);

/* Read what GET /sql takes: verb (upgrade, downgrade, stamp), transaction, and range, which becomes
 * the target; an upgrade without is one to the head. Fails ERR_ARGUMENT_INVALID. Any thread. */
must_check bool params_read_sql(const struct uri *uri, struct arena *arena, struct run_request *ret,
                                struct error *err);

/* A script that is to be written. */
struct script_params {
    struct revision_request request; /* without SQL, name_style and is_utc: nobody may say these */
    struct str_list merged;          /* empty unless it is a merge */
};

/* Read what POST /revisions takes, or, when it is a merge, POST /merge. ret in the arena. Fails as
 * params_read_run. Any thread. */
must_check bool params_read_script(bool is_merge, const struct uri *uri, struct str body,
                                   struct arena *arena, struct script_params *ret,
                                   struct error *err);

/* A truth from the query; *ret is left as it is when it was not given. Fails ERR_ARGUMENT_INVALID.
 * Any thread. */
must_check bool params_read_bool(const struct uri *uri, const char *name, bool *ret,
                                 struct error *err);

/* A whole number from the query within [min, max]; *ret is left as it is when it was not given.
 * Fails ERR_ARGUMENT_INVALID. Any thread. */
must_check bool params_read_number(const struct uri *uri, const char *name, uint64_t min,
                                   uint64_t max, uint64_t *ret, struct error *err);

/* A moment from the query as RFC 3339 has it ("2026-11-20T15:03:04.806Z", "...+01:00"), as wall
 * clock in microseconds, at least 1; *ret is left as it is when it was not given. Fails
 * ERR_ARGUMENT_INVALID. Any thread. */
must_check bool params_read_time(const struct uri *uri, const char *name, int64_t *ret,
                                 struct error *err);
