/*
 * settings.c - every default of the engine, once.
 *
 * It decides names and numbers only: nothing is created or opened here.
 */
#include "engine/settings.h"

#include "store/db.h"
#include "store/version_table.h"

enum {
    BACKUP_KEEP_DEFAULT = 10,
    LOCK_TIMEOUT_DEFAULT_MS = 5000,
};

static bool is_given(const char *text)
{
    return text != NULL && *text != '\0';
}

static bool check_required(const struct engine_settings *settings, struct error *err)
{
    if (!is_given(settings->database)) {
        error_set(err, ERR_CONFIG_INVALID, "no database is given");
        return error_hint(err, "Name the database file.");
    }
    if (settings->scripts.count == 0) {
        error_set(err, ERR_CONFIG_INVALID, "no directory of scripts is given");
        return error_hint(err, "Name at least one directory that holds revision scripts.");
    }
    return true;
}

bool settings_complete(struct engine_settings *settings, struct arena *arena, struct error *err)
{
    if (!check_required(settings, err) ||
        !db_resolve_path(settings->database, arena, &settings->database, err))
        return false;
    if (!is_given(settings->version_table))
        settings->version_table = VERSION_TABLE_DEFAULT;
    if (!is_given(settings->state_directory))
        settings->state_directory = arena_printf(arena, "%s.schemad", settings->database);
    if (!is_given(settings->backup_directory))
        settings->backup_directory = arena_printf(arena, "%s/backups", settings->state_directory);
    if (settings->backup_keep == 0 && !settings->has_backup_keep)
        settings->backup_keep = BACKUP_KEEP_DEFAULT;
    if (settings->lock_timeout_ms == 0)
        settings->lock_timeout_ms = LOCK_TIMEOUT_DEFAULT_MS;
    return true;
}

const char *engine_sqlite_version(void)
{
    return db_sqlite_version();
}
