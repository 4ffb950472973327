/*
 * picture.c - building a picture, and hashing it for the ETag of /current.
 */
#include "daemon/picture.h"

#include "base/clock.h"
#include "base/oom.h"
#include "daemon/copy.h"
#include "migrations/plan.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bits: not for secrets, only to tell answers apart. */
#define HASH_START 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u

static void hash_bytes(uint64_t *hash, const void *bytes, size_t len)
{
    const unsigned char *next = bytes;

    for (size_t i = 0; i < len; i++)
        *hash = (*hash ^ next[i]) * HASH_PRIME;
}

static void hash_text(uint64_t *hash, const char *text)
{
    hash_bytes(hash, text, strlen(text) + 1);
}

static void hash_graph(uint64_t *hash, const struct graph *graph)
{
    const struct revision_list *revisions = graph_revisions(graph);

    for (size_t i = 0; i < revisions->count; i++)
        hash_text(hash, revisions->items[i]->id);
}

static uint64_t hash_of(const struct picture *picture)
{
    const version_rows *rows = &picture->current.rows;
    uint64_t hash = HASH_START;

    hash_bytes(&hash, &picture->built_us, sizeof(picture->built_us));
    hash_bytes(&hash, &picture->current.verdict, sizeof(picture->current.verdict));
    for (size_t i = 0; i < rows->count; i++)
        hash_text(&hash, rows->items[i]);
    if (picture->directory != NULL)
        hash_graph(&hash, picture_graph(picture));
    hash_text(&hash, picture->problem.detail);
    return hash;
}

static bool schema_is_where(const struct graph *graph, const version_rows *rows,
                            const char *required)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct error ignored = { .code = ERR_OK };
    struct plan *plan;

    return plan_upgrade(graph, rows, required, &arena, &plan, &ignored) && plan->count == 0;
}

static bool is_ready(const struct picture *picture, const struct picture_facts *facts)
{
    if (strcmp(facts->required, "none") == 0)
        return true;
    return picture->directory != NULL && facts->rows != NULL &&
           schema_is_where(picture_graph(picture), &picture->current.rows, facts->required);
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
    picture->built_us = clock_wall_us();
    picture->problem = *facts->problem;
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
