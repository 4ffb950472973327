/*
 * error.c - filling the error value: the first cause wins, and what is cut is cut visibly.
 */
#include "base/error.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct code_text {
    const char *slug;
    const char *title;
};

static const struct code_text code_texts[] = {
#define ERROR_CODE(name, slug, title) [name] = { slug, title },
#include "base/error_codes.def"
#undef ERROR_CODE
};

/* The length of the UTF-8 sequence at text, or 0 when there is none. */
static size_t sequence_length(const char *text, size_t len)
{
    unsigned char first = (unsigned char) text[0];
    size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (size > len || !str_is_utf8((struct str){ text, size }))
        return 0;
    return size;
}

/* Replace what is not UTF-8 (a sequence cut in two by truncation included) by '?'. */
static void make_utf8(char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len;) {
        size_t size = sequence_length(text + i, len - i);

        if (size == 0) {
            text[i] = '?';
            size = 1;
        }
        i += size;
    }
}

format_printf(3, 0) static void format_into(char *buffer, size_t size, const char *format,
                                            va_list args)
{
    int len = vsnprintf(buffer, size, format, args);

    if (len >= 0 && (size_t) len >= size)
        memcpy(buffer + size - 4, "...", 4);
    make_utf8(buffer);
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    va_list args;

    if (err->code != ERR_OK)
        return false;
    err->code = code;
    va_start(args, format);
    format_into(err->detail, sizeof(err->detail), format, args);
    va_end(args);
    return false;
}

bool error_set_errno(struct error *err, enum error_code code, int errno_value, const char *format,
                     ...)
{
    char buffer[128];
    const char *reason = strerror_r(errno_value, buffer, sizeof(buffer));
    va_list args;
    size_t len;

    if (err->code != ERR_OK)
        return false;
    err->code = code;
    va_start(args, format);
    /* A long name is cut, the reason never. */
    format_into(err->detail, sizeof(err->detail) - strlen(reason) - 2, format, args);
    va_end(args);
    len = strlen(err->detail);
    (void) snprintf(err->detail + len, sizeof(err->detail) - len, ": %s", reason);
    return false;
}

bool error_at(struct error *err, const struct source_pos *pos)
{
    size_t len = pos->file != NULL ? strlen(pos->file) : 0;

    if (err->line == 0) {
        err->line = pos->line;
        err->column = pos->column;
    }
    if (err->file[0] != '\0' || len == 0)
        return false;
    if (len < sizeof(err->file)) {
        memcpy(err->file, pos->file, len + 1);
    } else {
        memcpy(err->file, "...", 3);
        memcpy(err->file + 3, pos->file + len - (sizeof(err->file) - 4), sizeof(err->file) - 3);
    }
    make_utf8(err->file);
    return false;
}

bool error_of_revision(struct error *err, const char *revision)
{
    if (err->revision[0] == '\0') {
        (void) snprintf(err->revision, sizeof(err->revision), "%s", revision);
        make_utf8(err->revision);
    }
    return false;
}

bool error_of_statement(struct error *err, const char *sql, size_t len)
{
    size_t max = sizeof(err->statement) - 1;

    if (err->statement[0] != '\0')
        return false;
    if (len <= max) {
        memcpy(err->statement, sql, len);
        err->statement[len] = '\0';
    } else {
        memcpy(err->statement, sql, max - 3);
        memcpy(err->statement + max - 3, "...", 4);
    }
    make_utf8(err->statement);
    return false;
}

bool error_hint(struct error *err, const char *format, ...)
{
    va_list args;

    if (err->hint[0] != '\0')
        return false;
    va_start(args, format);
    format_into(err->hint, sizeof(err->hint), format, args);
    va_end(args);
    return false;
}

void error_clear(struct error *err)
{
    *err = (struct error){ .code = ERR_OK };
}

void error_format(const struct error *err, char *buffer, size_t size)
{
    if (err->file[0] == '\0')
        (void) snprintf(buffer, size, "%s", err->detail);
    else if (err->line == 0)
        (void) snprintf(buffer, size, "%s: %s", err->file, err->detail);
    else if (err->column == 0)
        (void) snprintf(buffer, size, "%s:%u: %s", err->file, err->line, err->detail);
    else
        (void) snprintf(buffer, size, "%s:%u:%u: %s", err->file, err->line, err->column,
                        err->detail);
}

const char *error_slug(enum error_code code)
{
    return code_texts[code].slug;
}

const char *error_title(enum error_code code)
{
    return code_texts[code].title;
}

enum error_code error_code_find(const char *slug)
{
    for (int code = 0; code < ERROR_CODE_COUNT; code++)
        if (strcmp(code_texts[code].slug, slug) == 0)
            return (enum error_code) code;
    return ERROR_CODE_COUNT;
}
