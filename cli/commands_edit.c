/*
 * commands_edit.c - `edit`: scripts in the editor, and whether they can be read afterwards.
 */
#include "api/json_text.h"
#include "base/file.h"
#include "cli/child.h"
#include "cli/json_read.h"
#include "cli/session.h"
#include "engine/script_directory.h"

#define EDITOR_DEFAULT "vi"

/* Whatever the editor left is kept; what is wrong with it is told with file, line and column. */
static bool check_scripts(const struct session *session, struct error *err)
{
    struct script_directory *directory cleanup_script_directory = NULL;

    if (script_directory_load(&session->options->scripts, &directory, err))
        return true;
    return err->hint[0] == '\0' &&
           error_hint(err, "What you wrote is saved; correct it in the editor.");
}

/* Of "current" on a database at base, and of "base", there is nothing to open. */
static bool find_paths(const json_t *revisions, struct arena *arena, struct str_list *ret,
                       struct error *err)
{
    size_t index = 0;
    const json_t *revision = NULL;

    json_array_foreach(revisions, index, revision)
        str_list_add(ret, arena, arena_strdup(arena, json_text(revision, "path")));
    return ret->count > 0 || error_set(err, ERR_REVISION_UNKNOWN, "there is no revision to edit");
}

bool command_edit(struct session *session, struct error *err)
{
    const struct options *options = session->options;
    const char *name = options->operands.count > 0 ? options->operands.items[0] : "head";
    const char *editor = session->environment->editor;
    json_t *answer cleanup_json = NULL;
    struct str_list paths = { 0 };
    int status = 0;

    if (!session_ask(session, ASK_REVISIONS, name, &answer, err) ||
        !find_paths(json_object_get(answer, "revisions"), session->arena, &paths, err))
        return false;
    if (editor == NULL)
        editor = EDITOR_DEFAULT;
    if (!child_run(editor, &paths, session->arena, &status, err))
        return false;
    if (status != 0)
        return error_set(err, ERR_IO, "the editor \"%s\" ended with status %d", editor, status);
    return check_scripts(session, err);
}
