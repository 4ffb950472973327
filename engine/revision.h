/*
 * revision.h - writing a new revision script.
 */
#pragma once

#include "engine/settings.h"

struct revision_request {
    const char *message; /* any text; NULL is an empty message */
    const char *id;      /* NULL: twelve random hexadecimal digits */
    const char *head;    /* head or heads (then it is a merge) to continue, or "base"; NULL: the
                            single head, or a base when there is no script yet */
    struct str_list labels;
    struct str_list depends_on;
};

/*
 * Write `<id>_<slug>.sql` with empty parts into the first script directory.
 *
 * ret_path  of the new file, in the arena.
 * Fails     ERR_HEADS_MULTIPLE, ERR_TARGET_INVALID (`head` is no head), ERR_REVISION_UNKNOWN,
 *           ERR_REVISION_DUPLICATE, ERR_LABEL_DUPLICATE, ERR_ARGUMENT_INVALID (id, label), ERR_IO,
 *           and script_directory_load's. Nothing is written then.
 */
must_check bool revision_create(const struct engine_settings *settings,
                                const struct revision_request *request, struct arena *arena,
                                const char **ret_path, struct error *err);
