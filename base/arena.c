/*
 * arena.c - a list of growing blocks; each allocation is carved from the newest one.
 */
#include "base/arena.h"

#include "base/oom.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES_MIN ((size_t) 4096)
#define BLOCK_BYTES_MAX ((size_t) 1024 * 1024)

struct arena_block {
    struct arena_block *older;
    size_t size;
    size_t used;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *arena)
{
    arena->newest = NULL;
}

void arena_release(struct arena *arena)
{
    struct arena_block *block = arena->newest;

    while (block != NULL) {
        struct arena_block *older = block->older;

        free(block);
        block = older;
    }
    arena->newest = NULL;
}

static struct arena_block *block_new(struct arena *arena, size_t size)
{
    size_t wanted = BLOCK_BYTES_MIN;
    struct arena_block *block;

    if (arena->newest != NULL)
        wanted = arena->newest->size < BLOCK_BYTES_MAX ? arena->newest->size * 2 : BLOCK_BYTES_MAX;
    if (wanted < size)
        wanted = size;
    if (wanted > SIZE_MAX - sizeof(*block))
        oom();
    block = xcalloc(1, sizeof(*block) + wanted);
    block->size = wanted;
    block->older = arena->newest;
    arena->newest = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct arena_block *block = arena->newest;
    void *ptr;

    if (size > SIZE_MAX - align)
        oom();
    size = (size + align - 1) / align * align;
    if (block == NULL || block->size - block->used < size)
        block = block_new(arena, size);
    ptr = block->bytes + block->used;
    block->used += size;
    return ptr;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size)
        oom();
    return arena_alloc(arena, count * size);
}

char *arena_strndup(struct arena *arena, const char *bytes, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);

    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    int len;
    char *text;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        oom();
    text = arena_alloc(arena, (size_t) len + 1);
    va_start(args, format);
    (void) vsnprintf(text, (size_t) len + 1, format, args);
    va_end(args);
    return text;
}
