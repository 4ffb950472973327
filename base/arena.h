/*
 * arena.h - memory that lives and dies together.
 *
 * Pure code allocates from its caller's arena and never frees. Memory is zeroed. Running out of
 * memory aborts the process (see oom.h): inputs are bounded, and SQLite's rollback is the recovery
 * that is tested anyway. An arena belongs to one thread at a time.
 */
#pragma once

#include "base/attr.h"

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *newest; /* NULL when empty; a zeroed struct arena is ready to use */
};

void arena_init(struct arena *arena);
void arena_release(struct arena *arena); /* frees everything; the arena can be used again */

void *arena_alloc(struct arena *arena,
                  size_t size); /* zeroed, aligned for any type; size 0 is allowed */
void *arena_alloc_array(struct arena *arena, size_t count,
                        size_t size); /* aborts when count * size overflows */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *bytes, size_t len); /* NUL is added */
char *arena_printf(struct arena *arena, const char *format, ...) format_printf(2, 3);

#define arena_new(arena, type)          ((type *) arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *) arena_alloc_array((arena), (count), sizeof(type)))
