/*
 * str.c - views, lists and the bounded buffer.
 */
#include "base/str.h"

#include "base/oom.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct str str_of(const char *text)
{
    return text != NULL ? (struct str){ text, strlen(text) } : (struct str){ "", 0 };
}

struct str str_sub(struct str s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from > to)
        from = to;
    return (struct str){ s.ptr + from, to - from };
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool str_is(struct str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

bool str_is_nocase(struct str s, const char *text)
{
    return s.len == strlen(text) && strncasecmp(s.ptr, text, s.len) == 0;
}

bool str_starts_with(struct str s, const char *prefix)
{
    size_t len = strlen(prefix);

    return s.len >= len && memcmp(s.ptr, prefix, len) == 0;
}

bool str_ends_with(struct str s, const char *suffix)
{
    size_t len = strlen(suffix);

    return s.len >= len && memcmp(s.ptr + s.len - len, suffix, len) == 0;
}

size_t str_find_char(struct str s, char c, size_t from)
{
    const char *found;

    if (from >= s.len)
        return s.len;
    found = memchr(s.ptr + from, c, s.len - from);
    return found != NULL ? (size_t) (found - s.ptr) : s.len;
}

/* How many continuation bytes follow `first`, and the least code point of that length; -1 when it
 * starts no sequence. */
static int utf8_tail(unsigned char first, uint32_t *ret_min)
{
    if (first < 0x80) {
        *ret_min = 0;
        return 0;
    }
    if ((first & 0xe0) == 0xc0) {
        *ret_min = 0x80;
        return 1;
    }
    if ((first & 0xf0) == 0xe0) {
        *ret_min = 0x800;
        return 2;
    }
    if ((first & 0xf8) == 0xf0) {
        *ret_min = 0x10000;
        return 3;
    }
    return -1;
}

bool str_is_utf8(struct str s)
{
    for (size_t i = 0; i < s.len;) {
        unsigned char first = (unsigned char) s.ptr[i++];
        uint32_t min = 0;
        int tail = utf8_tail(first, &min);
        uint32_t point;

        if (tail < 0 || (size_t) tail > s.len - i)
            return false;
        point = tail == 0 ? first : first & (0x3fu >> tail);
        for (int k = 0; k < tail; k++, i++) {
            if (((unsigned char) s.ptr[i] & 0xc0) != 0x80)
                return false;
            point = point << 6 | ((unsigned char) s.ptr[i] & 0x3fu);
        }
        if (point < min || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
            return false;
    }
    return true;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint64_t digit;

        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        digit = (uint64_t) (s.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (value > max)
        return false;
    *ret = value;
    return true;
}

bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *ret)
{
    bool is_negative = s.len > 0 && s.ptr[0] == '-';
    uint64_t magnitude;
    int64_t value;

    if (!str_to_u64(is_negative ? str_sub(s, 1, s.len) : s, (uint64_t) INT64_MAX + is_negative,
                    &magnitude))
        return false;
    /* -2^63 has no positive counterpart, so negate what is one nearer to zero. */
    value = is_negative && magnitude > 0 ? -(int64_t) (magnitude - 1) - 1 : (int64_t) magnitude;
    if (value < min || value > max)
        return false;
    *ret = value;
    return true;
}

void str_list_add(struct str_list *list, struct arena *arena, const char *text)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : 4;
        const char **items = arena_array(arena, const char *, capacity);

        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof(*items));
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = text;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

void str_list_sort(struct str_list *list)
{
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), compare_texts);
}

bool str_list_has(const struct str_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

bool str_list_equal(const struct str_list *a, const struct str_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

char *str_list_join(const struct str_list *list, const char *separator, struct arena *arena)
{
    size_t separator_len = strlen(separator);
    size_t len = 0;
    char *text;
    char *end;

    for (size_t i = 0; i < list->count; i++)
        len += strlen(list->items[i]) + separator_len;
    text = arena_alloc(arena, len + 1);
    end = text;
    for (size_t i = 0; i < list->count; i++) {
        size_t item_len = strlen(list->items[i]);

        if (i > 0) {
            memcpy(end, separator, separator_len);
            end += separator_len;
        }
        memcpy(end, list->items[i], item_len);
        end += item_len;
    }
    return text;
}

void strbuf_init(struct strbuf *buffer, size_t max)
{
    *buffer = (struct strbuf){ .max = max };
}

void strbuf_release(struct strbuf *buffer)
{
    free(buffer->ptr);
    *buffer = (struct strbuf){ .max = buffer->max };
}

void strbuf_reset(struct strbuf *buffer)
{
    buffer->len = 0;
    buffer->is_overflowed = false;
    if (buffer->ptr != NULL)
        buffer->ptr[0] = '\0';
}

void strbuf_add(struct strbuf *buffer, const void *bytes, size_t len)
{
    if (len > buffer->max - buffer->len) {
        buffer->is_overflowed = true;
        return;
    }
    if (buffer->ptr == NULL || buffer->capacity - buffer->len <= len) {
        size_t capacity = buffer->capacity > 0 ? buffer->capacity : 256;

        while (capacity - buffer->len <= len) {
            if (capacity > SIZE_MAX / 2)
                oom();
            capacity *= 2;
        }
        buffer->ptr = xrealloc(buffer->ptr, capacity);
        buffer->capacity = capacity;
    }
    if (len > 0)
        memcpy(buffer->ptr + buffer->len, bytes, len);
    buffer->len += len;
    buffer->ptr[buffer->len] = '\0';
}

void strbuf_add_text(struct strbuf *buffer, const char *text)
{
    strbuf_add(buffer, text, strlen(text));
}

void strbuf_add_char(struct strbuf *buffer, char c)
{
    strbuf_add(buffer, &c, 1);
}

void strbuf_printf(struct strbuf *buffer, const char *format, ...)
{
    char small[512];
    char *large;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (len < 0)
        oom();
    if ((size_t) len < sizeof(small)) {
        strbuf_add(buffer, small, (size_t) len);
        return;
    }
    large = xmalloc((size_t) len + 1);
    va_start(args, format);
    (void) vsnprintf(large, (size_t) len + 1, format, args);
    va_end(args);
    strbuf_add(buffer, large, (size_t) len);
    free(large);
}

const char *strbuf_text(const struct strbuf *buffer)
{
    return buffer->ptr != NULL ? buffer->ptr : "";
}
