/*
 * str.h - text: a view for input, a bounded buffer for output, and the few conversions the program
 * needs.
 */
#pragma once

#include "base/arena.h"
#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes somebody else owns; may hold NUL; not terminated. */
struct str {
    const char *ptr;
    size_t len;
};

#define STR_FORMAT  "%.*s"
#define STR_ARGS(s) ((int) (s).len), (s).ptr

struct str str_of(const char *text);                      /* NULL gives the empty view */
struct str str_sub(struct str s, size_t from, size_t to); /* [from, to), clamped */
struct str str_trim(struct str s); /* without ASCII white space at either end */
bool str_is(struct str s, const char *text);
bool str_is_nocase(struct str s, const char *text); /* ASCII */
bool str_starts_with(struct str s, const char *prefix);
bool str_ends_with(struct str s, const char *suffix);
size_t str_find_char(struct str s, char c, size_t from); /* index, or s.len when absent */
bool str_is_utf8(struct str s); /* RFC 3629: no overlong forms, no surrogates */

/* Decimal digits only (an optional '-' for i64), the whole view, within [min, max]; false otherwise
 * and *ret untouched. */
must_check bool str_to_u64(struct str s, uint64_t max, uint64_t *ret);
must_check bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *ret);

/* Texts in an arena. Plain value. */
struct str_list {
    const char **items;
    size_t count;
    size_t capacity;
};

void str_list_add(struct str_list *list, struct arena *arena,
                  const char *text);       /* keeps the pointer, no copy */
void str_list_sort(struct str_list *list); /* strcmp order */
bool str_list_has(const struct str_list *list, const char *text);
bool str_list_equal(const struct str_list *a,
                    const struct str_list *b); /* same texts in the same order */
char *str_list_join(const struct str_list *list, const char *separator, struct arena *arena);

/*
 * Text being written, with a maximum given at birth. Overflow is sticky: what does not fit is
 * dropped and is_overflowed says so once, at the end. Heap-owned; release with strbuf_release (also
 * as cleanup).
 */
struct strbuf {
    char *ptr; /* always terminated once anything was written; NULL before */
    size_t len;
    size_t capacity;
    size_t max; /* bytes without the terminator */
    bool is_overflowed;
};

void strbuf_init(struct strbuf *buffer, size_t max);
void strbuf_release(struct strbuf *buffer);
void strbuf_reset(struct strbuf *buffer); /* empty again, memory kept */
void strbuf_add(struct strbuf *buffer, const void *bytes, size_t len);
void strbuf_add_text(struct strbuf *buffer, const char *text);
void strbuf_add_char(struct strbuf *buffer, char c);
void strbuf_printf(struct strbuf *buffer, const char *format, ...) format_printf(2, 3);
const char *strbuf_text(const struct strbuf *buffer); /* terminated; valid until the next write */
