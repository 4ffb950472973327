/*
 * graph_index.c - the hash table of names.
 */
#include "migrations/graph_index.h"

#include "migrations/nearest.h"

#include <assert.h>
#include <string.h>

void graph_index_init(struct graph_index *index, size_t count, struct arena *arena)
{
    size_t slot_count = 16;

    while (slot_count < count * 2)
        slot_count *= 2;
    index->slots = arena_array(arena, struct graph_name, slot_count);
    index->slot_count = slot_count;
}

/* FNV-1a; names come from files that the operator put there, not from attackers. */
static size_t hash(const char *name)
{
    uint64_t value = 14695981039346656037u;

    for (; *name != '\0'; name++)
        value = (value ^ (unsigned char) *name) * 1099511628211u;
    return (size_t) (value ^ value >> 32);
}

struct graph_name *graph_index_slot(const struct graph_index *index, const char *name)
{
    size_t mask = index->slot_count - 1;
    size_t at = hash(name) & mask;

    assert(index->slot_count > 0);
    while (index->slots[at].name != NULL && strcmp(index->slots[at].name, name) != 0)
        at = (at + 1) & mask;
    return &index->slots[at];
}

static void match(struct str prefix, const char *name, const struct revision *revision,
                  struct arena *arena, struct graph_matches *matches)
{
    size_t len = strlen(name);

    if (len <= 3 || len < prefix.len || memcmp(name, prefix.ptr, prefix.len) != 0)
        return;
    str_list_add(&matches->names, arena, name);
    revision_list_add(&matches->revisions, arena, revision);
}

void graph_match_prefix(const struct graph *graph, struct str prefix, struct arena *arena,
                        struct graph_matches *ret)
{
    for (size_t i = 0; i < graph->count; i++) {
        const struct revision *node = &graph->nodes[i];

        match(prefix, node->id, node, arena, ret);
        for (size_t k = 0; k < node->script->labels.count; k++)
            match(prefix, node->script->labels.items[k], node, arena, ret);
    }
}

struct str_list graph_names_near(const struct graph *graph, struct str name, struct arena *arena)
{
    struct str_list names = { 0 };

    for (size_t i = 0; i < graph->count; i++) {
        const struct revision *node = &graph->nodes[i];

        str_list_add(&names, arena, node->id);
        for (size_t k = 0; k < node->script->labels.count; k++)
            str_list_add(&names, arena, node->script->labels.items[k]);
    }
    return nearest_find(name, &names, arena);
}

void graph_hint_nearest(const struct graph *graph, struct str name, const char *otherwise,
                        struct arena *arena, struct error *err)
{
    struct str_list near = graph_names_near(graph, name, arena);

    if (near.count == 0)
        error_hint(err, "%s", otherwise);
    else
        error_hint(err, "Did you mean \"%s\"?", str_list_join(&near, "\" or \"", arena));
}
