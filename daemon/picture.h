/*
 * picture.h - one immutable answer to "where is the schema?": scripts, version rows, and what
 * follows from both.
 *
 * Pure but for the script directory it holds. Built once, counted, read by any thread; the count is
 * guarded by the lock of whoever publishes it (daemon/snapshot.c).
 */
#pragma once

#include "engine/script_directory.h"
#include "migrations/accept.h"
#include "migrations/current.h"

struct picture {
    unsigned references;
    struct arena arena;                 /* of everything below */
    struct script_directory *directory; /* NULL when no scripts could be read */
    struct current current;
    bool database_exists;
    bool is_ready;        /* an upgrade to what is required would do nothing, or the rows are in
                             the accepted range */
    struct error problem; /* why something is not known; ERR_OK: all is */
    uint64_t rows_tag;    /* a hash of the rows alone, never 0; 0 while they are not known */
    uint64_t hash;        /* of all that /current shows of it */
};

/* What a picture is made of. */
struct picture_facts {
    struct script_directory *directory; /* the picture takes a reference of its own; or NULL */
    const version_rows *rows;           /* NULL: not known, see problem */
    bool database_exists;
    bool has_version_table;
    const char *required;              /* "head", "none" or a target */
    const struct accept_range *accept; /* the range that is ready as well; NULL: none */
    const struct error *problem;
};

/* With one reference. Never fails: what cannot be known is in problem. */
struct picture *picture_new(const struct picture_facts *facts);
void picture_free(struct picture *picture);

/* NULL when there are no scripts. Lives as long as the picture. */
const struct graph *picture_graph(const struct picture *picture);

/* Whether a picture of these facts would say the same. */
bool picture_shows(const struct picture *picture, const struct picture_facts *facts);
