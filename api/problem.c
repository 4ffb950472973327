/*
 * problem.c - error code -> HTTP status (RFC 9110 section 15), every code once.
 *
 * 404 is for what the request names, 409 for a database that stands elsewhere than the request
 * needs, 422 for scripts, 503 for what passes by itself or by an operator's hand, 507 for space.
 */
#include "api/problem.h"

#include <assert.h>

static const unsigned short statuses[] = {
    [ERR_OK] = 200,

    [ERR_INTERNAL] = 500,
    [ERR_IO] = 500,
    [ERR_SPACE_SHORT] = 507,

    [ERR_ARGUMENT_INVALID] = 400,
    [ERR_CONFIG_INVALID] = 500,
    [ERR_REVISION_UNKNOWN] = 404,
    [ERR_REVISION_AMBIGUOUS] = 409,
    [ERR_TARGET_INVALID] = 409,
    [ERR_HEADS_MULTIPLE] = 409,
    [ERR_PRECONDITION_FAILED] = 412,
    [ERR_JOB_UNKNOWN] = 404,

    [ERR_SCRIPT_INVALID] = 422,
    [ERR_SCRIPT_UNREADABLE] = 422,
    [ERR_SCRIPT_CHANGED] = 409,
    [ERR_REVISION_DUPLICATE] = 422,
    [ERR_LABEL_DUPLICATE] = 422,
    [ERR_PARENT_MISSING] = 422,
    [ERR_GRAPH_CYCLE] = 422,

    [ERR_DATABASE_MISSING] = 503,
    [ERR_DATABASE_UNUSABLE] = 503,
    [ERR_DATABASE_BUSY] = 503,
    [ERR_DATABASE_CHANGED] = 409,
    [ERR_DATABASE_REVISION_UNKNOWN] = 409,
    [ERR_VERSION_TABLE_ODD] = 409,
    [ERR_VERSION_ROWS_OVERLAP] = 409,

    [ERR_LOCKED] = 409,
    [ERR_STATEMENT_FAILED] = 422,
    [ERR_STATEMENT_REFUSED] = 422,
    [ERR_TRANSACTION_ENDED] = 422,
    [ERR_FOREIGN_KEYS_VIOLATED] = 409,
    [ERR_LOSS_UNANNOUNCED] = 409,
    [ERR_NOT_EMPTY] = 409,
    [ERR_IRREVERSIBLE] = 409,
    [ERR_COMMIT_UNKNOWN] = 500,
    [ERR_CANCELLED] = 409,
    [ERR_INTERRUPTED] = 500,
    [ERR_BACKUP_FAILED] = 500,
    [ERR_JOURNAL] = 500,

    [ERR_QUEUE_FULL] = 503,
    [ERR_IDEMPOTENCY_KEY_REUSED] = 422,
    [ERR_TOO_MANY_FAILURES] = 429,
    [ERR_STOPPING] = 503,
    [ERR_NOT_READY] = 503,
    [ERR_REQUEST_MALFORMED] = 400,
    [ERR_UNAUTHORIZED] = 401,
    [ERR_FORBIDDEN] = 403,
    [ERR_NOT_FOUND] = 404,
    [ERR_METHOD_NOT_ALLOWED] = 405,
    [ERR_BODY_TOO_LARGE] = 413,
    [ERR_MEDIA_TYPE] = 415,
    [ERR_DAEMON_UNREACHABLE] = 502,
};

static_assert(ARRAY_SIZE(statuses) == ERROR_CODE_COUNT, "a new error code needs its status here");

unsigned problem_status(enum error_code code)
{
    assert((size_t) code < ARRAY_SIZE(statuses));
    return statuses[code];
}

unsigned problem_retry_after_s(enum error_code code)
{
    switch (code) {
    case ERR_DATABASE_BUSY:
    case ERR_NOT_READY:
    case ERR_QUEUE_FULL:
        return 1;
    case ERR_STOPPING:
    case ERR_TOO_MANY_FAILURES:
        return 5;
    default:
        return 0;
    }
}
