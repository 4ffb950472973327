/*
 * revision_request.h - what is said of a revision script that is to be written.
 */
#pragma once

#include "base/str.h"
#include "migrations/script_name.h"

#include <stdbool.h>

/* Zero is a fine default for every member. */
struct revision_request {
    const char *message; /* any text; NULL is an empty message */
    const char *id;      /* NULL: twelve random hexadecimal digits */
    const char *head;    /* head or heads (then it is a merge) to continue, or "base"; NULL: the
                            single head, or a base when there is no script yet */
    bool splice;         /* what it continues need not be a head */
    struct str_list labels;
    struct str_list depends_on;
    const char *version_path; /* which of the directories of scripts; NULL: that of the revision it
                                 continues, or the only one */
    const char *sql;          /* of the script, as in struct script_header */
    struct script_name_style name_style;
    bool is_utc; /* the create date is in UTC, and says so; else local, as Alembic's */
};
