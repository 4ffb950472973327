/*
 * picture.c - building a picture, and hashing what /current shows of it.
 */
#include "daemon/picture.h"

#include "base/oom.h"
#include "daemon/copy.h"
#include "daemon/hash.h"
#include "migrations/format.h"
#include "migrations/plan.h"

#include <stdlib.h>
#include <string.h>

static uint64_t rows_tag_of(const version_rows *rows)
{
    uint64_t tag = HASH_START;

    for (size_t i = 0; i < rows->count; i++)
        tag = hash_text(tag, rows->items[i]);
    return tag != 0 ? tag : 1;
}

static uint64_t hash_revisions(uint64_t hash, const struct revision_list *revisions)
{
    struct arena cleanup(arena_release) arena = { 0 };

    for (size_t i = 0; i < revisions->count; i++)
        hash = hash_text(hash, format_current_line(revisions->items[i], &arena));
    return hash_number(hash, revisions->count);
}

static uint64_t hash_of(const struct picture *picture)
{
    const struct current *current = &picture->current;
    uint64_t hash = hash_number(picture->rows_tag, current->verdict);

    hash = hash_revisions(hash, &current->revisions);
    hash = hash_revisions(hash, &current->heads);
    hash = hash_number(hash, current->pending);
    hash = hash_number(hash, picture->is_ready);
    hash = hash_number(hash, picture->problem.code);
    hash = hash_number(hash, picture->problem.line);
    hash = hash_text(hash, picture->problem.file);
    return hash_text(hash, picture->problem.detail);
}

static bool schema_is_where(const struct graph *graph, const version_rows *rows,
                            const char *required)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct error ignored = { .code = ERR_OK };
    struct plan *plan;

    return plan_upgrade(graph, rows, required, &arena, &plan, &ignored) && plan->count == 0;
}

/* A range that names what the scripts do not know (any more) accepts nothing. */
static bool is_accepted(const struct graph *graph, const version_rows *rows,
                        const struct accept_range *accept)
{
    struct error ignored = { .code = ERR_OK };
    bool is_inside = false;

    return accept != NULL && accept_check(graph, rows, accept, &is_inside, &ignored) && is_inside;
}

static bool is_ready(const struct picture *picture, const struct picture_facts *facts)
{
    const struct graph *graph = picture_graph(picture);
    const version_rows *rows = &picture->current.rows;

    if (strcmp(facts->required, "none") == 0)
        return true;
    return graph != NULL && facts->rows != NULL &&
           (schema_is_where(graph, rows, facts->required) ||
            is_accepted(graph, rows, facts->accept));
}

static struct current current_of_facts(const struct picture *picture,
                                       const struct picture_facts *facts, struct arena *arena)
{
    version_rows rows = { 0 };
    struct current current = { .verdict = VERDICT_UNKNOWN };

    if (facts->rows != NULL)
        rows = copy_texts(facts->rows, arena);
    if (picture->directory != NULL) {
        current = current_of(picture_graph(picture), &rows, arena);
        if (facts->rows == NULL) {
            current.verdict = VERDICT_UNKNOWN;
            current.pending = 0;
        }
    }
    current.rows = rows;
    current.has_version_table = facts->has_version_table;
    return current;
}

struct picture *picture_new(const struct picture_facts *facts)
{
    struct picture *picture = xcalloc(1, sizeof(*picture));

    picture->references = 1;
    if (facts->directory != NULL)
        picture->directory = script_directory_ref(facts->directory);
    picture->current = current_of_facts(picture, facts, &picture->arena);
    picture->database_exists = facts->database_exists;
    picture->is_ready = is_ready(picture, facts);
    picture->problem = *facts->problem;
    picture->rows_tag = facts->rows != NULL ? rows_tag_of(facts->rows) : 0;
    picture->hash = hash_of(picture);
    return picture;
}

void picture_free(struct picture *picture)
{
    script_directory_unref(picture->directory);
    arena_release(&picture->arena);
    free(picture);
}

const struct graph *picture_graph(const struct picture *picture)
{
    return picture->directory != NULL ? script_directory_graph(picture->directory) : NULL;
}

bool picture_shows(const struct picture *picture, const struct picture_facts *facts)
{
    static const version_rows none = { 0 };
    const version_rows *rows = facts->rows != NULL ? facts->rows : &none;

    return picture->directory == facts->directory &&
           picture->database_exists == facts->database_exists &&
           picture->current.has_version_table == facts->has_version_table &&
           picture->problem.code == facts->problem->code &&
           strcmp(picture->problem.detail, facts->problem->detail) == 0 &&
           str_list_equal(&picture->current.rows, rows);
}
