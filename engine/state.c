/*
 * state.c - the state directory.
 */
#include "engine/state.h"

#include "base/file.h"
#include "engine/owner.h"

#include <string.h>
#include <unistd.h>

enum {
    STATE_DIRECTORY_MODE = 0770
};

static const char *journal_path(const struct engine_settings *settings, struct arena *arena)
{
    return arena_printf(arena, "%s/journal.db", settings->state_directory);
}

bool state_has_journal(const struct engine_settings *settings)
{
    cleanup(arena_release) struct arena arena = { 0 };

    return access(journal_path(settings, &arena), F_OK) == 0;
}

static bool ensure_directory(const struct engine_settings *settings, struct error *err)
{
    bool is_new = access(settings->state_directory, F_OK) != 0;
    struct error cause = { 0 };

    if (!directory_ensure(settings->state_directory, STATE_DIRECTORY_MODE, &cause)) {
        error_set(err, ERR_JOURNAL, "%s", cause.detail);
        return error_hint(err, "The journal needs a state directory that can be written.");
    }
    if (is_new)
        owner_adopt(settings->state_directory, settings->database);
    return true;
}

bool state_journal_open(const struct engine_settings *settings, struct journal **ret_journal,
                        struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    const char *path = journal_path(settings, &arena);
    bool is_new = !state_has_journal(settings);

    if (!ensure_directory(settings, err) || !journal_open(path, ret_journal, err))
        return false;
    if (is_new)
        owner_adopt(path, settings->database);
    return true;
}

const char *state_backup_prefix(const struct engine_settings *settings, struct arena *arena)
{
    const char *base = path_base(settings->database);
    const char *dot = strrchr(base, '.');

    if (dot == NULL || dot == base)
        return base;
    return arena_strndup(arena, base, (size_t) (dot - base));
}
