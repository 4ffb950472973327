/*
 * guard.c - the authorizer callback (sqlite.org/c3ref/set_authorizer.html).
 *
 * Nothing is guessed from SQL text here: SQLite tells what a statement would do, with views and
 * triggers followed.
 */
#include "store/guard.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What the authorizer is told; the meaning of the texts depends on the code. Each may be NULL. */
struct action {
    int code;
    const char *first;
    const char *second;
    const char *schema;
};

static int refuse(struct guard *guard, const char *hint, const char *format, ...)
    format_printf(3, 4);

static int refuse(struct guard *guard, const char *hint, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(guard->reason, sizeof(guard->reason), format, args);
    va_end(args);
    snprintf(guard->hint, sizeof(guard->hint), "%s", hint);
    return SQLITE_DENY;
}

/* The table (or what would take its name) that an action changes; NULL when it changes none. */
static const char *changed_table(const struct action *action)
{
    switch (action->code) {
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_TEMP_VIEW:
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_TEMP_TABLE:
    case SQLITE_DROP_VIEW:
    case SQLITE_DROP_TEMP_VIEW:
    case SQLITE_DROP_VTABLE:
        return action->first;
    case SQLITE_ALTER_TABLE: /* first is the database */
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TEMP_INDEX:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_TEMP_TRIGGER:
        return action->second;
    default:
        return NULL;
    }
}

static int judge_transaction(struct guard *guard, const struct action *action)
{
    if (!guard->is_preparing && guard->outside_transaction)
        return SQLITE_OK; /* VACUUM's own BEGIN */
    return refuse(guard,
                  "Remove BEGIN, COMMIT, END and ROLLBACK: the run is one transaction already, or, "
                  "with `Transaction: none` in the "
                  "header, a single statement outside of one.",
                  "%s is not allowed in a script", action->first);
}

static int judge_savepoint(struct guard *guard)
{
    if (!guard->is_preparing)
        return SQLITE_OK; /* full-text search takes savepoints of its own */
    return refuse(
        guard,
        "Remove it: the run is one transaction, and a statement that fails undoes all of it.",
        "savepoints are not allowed in a script");
}

/*
 * VACUUM attaches an unnamed file of its own; VACUUM INTO and ATTACH name one, or an expression,
 * which is NULL here.
 */
static int judge_attach(struct guard *guard, const struct action *action)
{
    bool is_vacuum = action->first != NULL && *action->first == '\0' && !guard->is_preparing;

    if (is_vacuum)
        return SQLITE_OK;
    return refuse(guard, "A script changes its own database only. To copy it, make a backup.",
                  "reaching another file (ATTACH, VACUUM INTO) is not allowed in a script");
}

static int judge_function(struct guard *guard, const struct action *action)
{
    static const char *const refused[] = { "edit", "fts3_tokenizer", "load_extension", "readfile",
                                           "writefile" };

    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        if (strcasecmp(action->second, refused[i]) == 0)
            return refuse(guard, "It reaches outside the database. Remove it.",
                          "function %s() is not allowed in a script", refused[i]);
    }
    return SQLITE_OK;
}

static int judge_pragma(struct guard *guard, const struct action *action)
{
    struct pragma_verdict verdict =
        pragma_judge(action->first, action->second, guard->outside_transaction);

    if (verdict.is_allowed)
        return SQLITE_OK;
    return refuse(guard, verdict.hint == NULL ? "Remove it; the run decides." : verdict.hint,
                  "PRAGMA %s%s is not allowed in a script", action->first,
                  action->second == NULL ? "" : " with a value");
}

/*
 * VACUUM writes every table anew into a database that SQLite attaches under this name; scripts
 * cannot attach any.
 */
static bool is_vacuum_copy(const struct guard *guard, const struct action *action)
{
    return !guard->is_preparing && action->schema != NULL &&
           strcmp(action->schema, "vacuum_db") == 0;
}

static int judge(struct guard *guard, const struct action *action)
{
    const char *table = changed_table(action);

    if (table != NULL && strcasecmp(table, guard->version_table) == 0 &&
        !is_vacuum_copy(guard, action))
        return refuse(guard,
                      "Remove the statement: the version rows are written after each revision. "
                      "(`alembic upgrade --sql` prints such statements.)",
                      "version table \"%s\" may not be changed by a script", guard->version_table);
    switch (action->code) {
    case SQLITE_TRANSACTION:
        return judge_transaction(guard, action);
    case SQLITE_SAVEPOINT:
        return judge_savepoint(guard);
    case SQLITE_ATTACH:
        return judge_attach(guard, action);
    case SQLITE_DETACH:
        return refuse(guard, "Remove it; nothing is attached.",
                      "DETACH is not allowed in a script");
    case SQLITE_FUNCTION:
        return judge_function(guard, action);
    case SQLITE_PRAGMA:
        return judge_pragma(guard, action);
    default:
        return SQLITE_OK;
    }
}

static int authorize(void *data, int code, const char *first, const char *second,
                     const char *schema, const char *trigger)
{
    struct guard *guard = data;
    struct action action = { .code = code, .first = first, .second = second, .schema = schema };

    (void) trigger;
    return guard->is_on ? judge(guard, &action) : SQLITE_OK;
}

void guard_install(struct guard *guard, struct db *db)
{
    sqlite3_set_authorizer(db->handle, authorize, guard);
}
