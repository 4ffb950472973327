/*
 * kept_script.c - asking the journal.
 */
#include "engine/kept_script.h"

#include "base/clock.h"
#include "base/file.h"
#include "engine/state.h"

static bool find(const struct engine_settings *settings, const char *revision, struct arena *arena,
                 struct kept_script *ret, bool *ret_found, struct error *err)
{
    cleanup_journal struct journal *journal = NULL;

    *ret_found = false;
    if (!state_has_journal(settings))
        return true;
    return state_journal_open(settings, &journal, err) &&
           journal_script_read(journal, revision, arena, ret, ret_found, err);
}

bool engine_script_text(const struct engine_settings *settings, const char *revision,
                        struct arena *arena, const char **ret_path, const char **ret_text,
                        struct error *err)
{
    struct kept_script script = { 0 };
    bool is_found = false;

    if (!find(settings, revision, arena, &script, &is_found, err))
        return false;
    if (!is_found) {
        error_set(err, ERR_REVISION_UNKNOWN, "the journal kept no script of revision \"%s\"",
                  revision);
        return error_hint(err, "It keeps what runs of this installation apply.");
    }
    *ret_path = script.path;
    *ret_text = script.text;
    return true;
}

void kept_script_explain(const struct engine_settings *settings, struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    struct error ignored = { .code = ERR_OK };
    struct kept_script script = { 0 };
    char when[CLOCK_TEXT_SIZE];
    bool is_found = false;

    if (err->code != ERR_DATABASE_REVISION_UNKNOWN ||
        !find(settings, err->revision, &arena, &script, &is_found, &ignored) || !is_found)
        return;
    clock_format_rfc3339(script.started_us, when);
    err->hint[0] = '\0'; /* what may have happened is worth less than what did */
    error_hint(
        err,
        "It was applied on %.10s from \"%s\", in run %s of %s. The journal kept that script: "
        "`show %s` prints it. Put it back, or restore a backup from before that run.",
        when, path_base(script.path), script.run_id, script.actor, err->revision);
}
