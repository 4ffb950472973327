/*
 * pragma.c - the pragmas that a script may use: a list of what is allowed, since SQLite ignores
 * unknown ones silently.
 *
 * Reading a setting is always harmless; what counts is setting. (sqlite.org/pragma.html)
 */
#include "store/guard.h"

#include <strings.h>

enum pragma_rule {
    PRAGMA_READS,        /* the argument says what to read, or the pragma only reads */
    PRAGMA_SETS,         /* may be set: undone with the transaction, reset after it, or harmless */
    PRAGMA_SETS_OUTSIDE, /* may be set by a script that says Transaction: none */
    PRAGMA_FIXED,        /* may be read only */
};

struct pragma {
    const char *name;
    enum pragma_rule rule;
    const char *hint; /* when it is refused; NULL for the general one */
};

#define HINT_OUTSIDE                                                                  \
    "It cannot work inside a transaction. Put it into a script of its own that says " \
    "`Transaction: none`."
#define HINT_FOREIGN_KEYS                                                                      \
    "It has no effect inside a transaction. Remove it: foreign keys are off around a run and " \
    "checked before its commit; "                                                              \
    "`Foreign Keys: on` in the header enforces them."
#define HINT_DURABLE \
    "The run decides how it commits, so that it survives a power loss. Remove the statement."

static const struct pragma pragmas[] = {
    { "analysis_limit", PRAGMA_SETS, NULL },
    { "application_id", PRAGMA_SETS, NULL },
    { "auto_vacuum", PRAGMA_SETS_OUTSIDE, HINT_OUTSIDE },
    { "automatic_index", PRAGMA_SETS, NULL },
    { "busy_timeout", PRAGMA_FIXED, "Give the run a lock timeout instead." },
    { "cache_size", PRAGMA_SETS, NULL },
    { "cache_spill", PRAGMA_SETS, NULL },
    { "cell_size_check", PRAGMA_SETS, NULL },
    { "checkpoint_fullfsync", PRAGMA_FIXED, HINT_DURABLE },
    { "collation_list", PRAGMA_READS, NULL },
    { "compile_options", PRAGMA_READS, NULL },
    { "data_version", PRAGMA_FIXED, NULL },
    { "database_list", PRAGMA_READS, NULL },
    { "defer_foreign_keys", PRAGMA_SETS, NULL },
    { "encoding", PRAGMA_SETS_OUTSIDE, HINT_OUTSIDE },
    { "foreign_key_check", PRAGMA_READS, NULL },
    { "foreign_key_list", PRAGMA_READS, NULL },
    { "foreign_keys", PRAGMA_SETS_OUTSIDE, HINT_FOREIGN_KEYS },
    { "freelist_count", PRAGMA_FIXED, NULL },
    { "fullfsync", PRAGMA_FIXED, HINT_DURABLE },
    { "function_list", PRAGMA_READS, NULL },
    { "ignore_check_constraints", PRAGMA_FIXED,
      "Rows that break a CHECK would stay behind unseen. Remove the statement." },
    { "incremental_vacuum", PRAGMA_SETS, NULL },
    { "index_info", PRAGMA_READS, NULL },
    { "index_list", PRAGMA_READS, NULL },
    { "index_xinfo", PRAGMA_READS, NULL },
    { "integrity_check", PRAGMA_READS, NULL },
    { "journal_mode", PRAGMA_SETS_OUTSIDE, HINT_OUTSIDE " Modes: delete, truncate, persist, wal." },
    { "journal_size_limit", PRAGMA_SETS_OUTSIDE, HINT_OUTSIDE },
    { "legacy_alter_table", PRAGMA_SETS, NULL },
    { "locking_mode", PRAGMA_FIXED, "It would lock the application out. Remove the statement." },
    { "max_page_count", PRAGMA_FIXED, NULL },
    { "module_list", PRAGMA_READS, NULL },
    { "optimize", PRAGMA_SETS, NULL },
    { "page_count", PRAGMA_FIXED, NULL },
    { "page_size", PRAGMA_SETS_OUTSIDE, HINT_OUTSIDE },
    { "pragma_list", PRAGMA_READS, NULL },
    { "quick_check", PRAGMA_READS, NULL },
    { "recursive_triggers", PRAGMA_SETS, NULL },
    { "schema_version", PRAGMA_FIXED,
      "SQLite counts it by itself; a wrong value damages the database." },
    { "secure_delete", PRAGMA_SETS, NULL },
    { "shrink_memory", PRAGMA_SETS, NULL },
    { "synchronous", PRAGMA_FIXED, HINT_DURABLE },
    { "table_info", PRAGMA_READS, NULL },
    { "table_list", PRAGMA_READS, NULL },
    { "table_xinfo", PRAGMA_READS, NULL },
    { "temp_store", PRAGMA_SETS, NULL },
    { "threads", PRAGMA_SETS, NULL },
    { "trusted_schema", PRAGMA_FIXED, NULL },
    { "user_version", PRAGMA_SETS, NULL },
    { "wal_autocheckpoint", PRAGMA_SETS_OUTSIDE, HINT_OUTSIDE },
    { "wal_checkpoint", PRAGMA_SETS_OUTSIDE, HINT_OUTSIDE },
    { "writable_schema", PRAGMA_FIXED,
      "Change the schema with ALTER TABLE, or rebuild the table." },
};

static const struct pragma *pragma_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(pragmas); i++) {
        if (strcasecmp(pragmas[i].name, name) == 0)
            return &pragmas[i];
    }
    return NULL;
}

/* OFF and MEMORY would leave a half-written database after a crash. */
static bool is_durable_mode(const char *mode)
{
    return strcasecmp(mode, "delete") == 0 || strcasecmp(mode, "truncate") == 0 ||
           strcasecmp(mode, "persist") == 0 || strcasecmp(mode, "wal") == 0;
}

struct pragma_verdict pragma_judge(const char *name, const char *argument, bool outside_transaction)
{
    const struct pragma *pragma = pragma_find(name);

    if (pragma == NULL)
        return (struct pragma_verdict){
            .hint = "Check its spelling: SQLite ignores a pragma it does not know."
        };
    switch (pragma->rule) {
    case PRAGMA_READS:
    case PRAGMA_SETS:
        return (struct pragma_verdict){ .is_allowed = true };
    case PRAGMA_SETS_OUTSIDE:
        if (outside_transaction && (strcasecmp(name, "journal_mode") != 0 || argument == NULL ||
                                    is_durable_mode(argument)))
            return (struct pragma_verdict){ .is_allowed = true };
        return (struct pragma_verdict){ .is_allowed = argument == NULL &&
                                                      strcasecmp(name, "wal_checkpoint") != 0,
                                        .hint = pragma->hint };
    case PRAGMA_FIXED:
        return (struct pragma_verdict){ .is_allowed = argument == NULL, .hint = pragma->hint };
    }
    return (struct pragma_verdict){ 0 };
}
