/*
 * attr.h - the compiler attributes this program uses, by name, and ownership in one token.
 *
 * Everything GNU about the language stands here; the rest of the tree is plain C17.
 */
#pragma once

#include <stddef.h>
#include <string.h>

#define must_check               __attribute__((warn_unused_result))
#define cold_path                __attribute__((cold))
#define format_printf(fmt, args) __attribute__((format(printf, fmt, args)))

/* Runs `function(&variable)` when the variable leaves its scope. */
#define cleanup(function) __attribute__((cleanup(function)))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static inline void *take_ptr_bytes(void *variable)
{
    void *taken = NULL;
    void *const none = NULL;

    memcpy(&taken, variable, sizeof(taken));
    memcpy(variable, &none, sizeof(none));
    return taken;
}

/* Ownership leaves here: yields the pointer and sets the variable to NULL, so that its cleanup
 * frees nothing. */
#define take_ptr(variable) ((__typeof__(variable)) take_ptr_bytes(&(variable)))
