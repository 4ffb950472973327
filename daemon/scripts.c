/*
 * scripts.c - from a submission to a file.
 *
 * A script is executable: what a client says goes into its header only, and its SQL is written by
 * somebody who can write the file.
 */
#include "daemon/scripts.h"

#include "daemon/copy.h"
#include "engine/revision.h"

bool scripts_allow(const struct script_policy *policy, struct error *err)
{
    if (policy->is_writable)
        return true;
    (void) error_set(err, ERR_FORBIDDEN, "this daemon does not write scripts");
    return error_hint(err, "`writable = yes` in section [scripts] of its configuration lets it; or "
                           "write the script beside it, with `schemadctl revision`.");
}

struct script_submission *scripts_copy(const struct script_submission *submission,
                                       struct arena *arena)
{
    const struct revision_request *request = submission->request;
    struct script_submission *copy = arena_new(arena, struct script_submission);
    struct revision_request *copied = arena_new(arena, struct revision_request);

    *copied = (struct revision_request){
        .message = copy_text(request->message, arena),
        .id = request->id != NULL ? arena_strdup(arena, request->id) : revision_id_new(arena),
        .head = copy_text(request->head, arena),
        .splice = request->splice,
        .labels = copy_texts(&request->labels, arena),
        .depends_on = copy_texts(&request->depends_on, arena),
        .version_path = copy_text(request->version_path, arena),
    };
    copy->request = copied;
    copy->actor = copy_text(submission->actor, arena);
    if (submission->merged != NULL) {
        struct str_list *merged = arena_new(arena, struct str_list);

        *merged = copy_texts(submission->merged, arena);
        copy->merged = merged;
    }
    return copy;
}

bool scripts_write(const struct engine_settings *settings, const struct script_policy *policy,
                   const struct script_submission *submission, struct arena *arena,
                   struct new_script *ret, struct error *err)
{
    struct revision_request request = *submission->request;

    request.name_style = policy->name_style;
    request.is_utc = policy->is_utc;
    ret->id = request.id;
    return submission->merged != NULL
               ? merge_create(settings, submission->merged, &request, arena, &ret->path, err)
               : revision_create(settings, &request, arena, &ret->path, err);
}
