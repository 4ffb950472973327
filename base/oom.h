/*
 * oom.h - what happens when our own allocation fails: one line on stderr, then abort
 * (docs/adr/0002-out-of-memory.md).
 *
 * SQLite's NOMEM and jansson's NULL are ordinary errors and do not come here.
 */
#pragma once

#include "base/attr.h"

__attribute__((noreturn)) cold_path void oom(void);

/* malloc, realloc and strdup that call oom() instead of returning NULL. The caller frees with
 * free(). */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *ptr, size_t size);
char *xstrdup(const char *text);
