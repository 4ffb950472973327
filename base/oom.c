/*
 * oom.c - allocation that cannot fail: it returns memory or ends the process.
 */
#include "base/oom.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void oom(void)
{
    static const char message[] = "<2>out of memory, aborting\n";

    if (write(STDERR_FILENO, message, sizeof(message) - 1) < 0)
        abort();
    abort();
}

void *xmalloc(size_t size)
{
    void *ptr = malloc(size > 0 ? size : 1);

    if (ptr == NULL)
        oom();
    return ptr;
}

void *xcalloc(size_t count, size_t size)
{
    void *ptr = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (ptr == NULL)
        oom();
    return ptr;
}

void *xrealloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size > 0 ? size : 1);

    if (grown == NULL)
        oom();
    return grown;
}

char *xstrdup(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(xmalloc(size), text, size);
}
