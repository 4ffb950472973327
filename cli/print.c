/*
 * print.c - what all printing shares: colours, clean texts, JSON, errors.
 */
#include "cli/print.h"

#include "api/json.h"
#include "base/oom.h"
#include "base/str.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

static const char *const tints[] = {
    [TINT_NONE] = "",           [TINT_BAD] = "\033[31m", [TINT_GOOD] = "\033[32m",
    [TINT_NOTICE] = "\033[33m", [TINT_DIM] = "\033[2m",  [TINT_STRONG] = "\033[1m",
};

void print_clean(FILE *file, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char) *at;
        bool is_control = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;

        (void) fputc(is_control ? '?' : byte, file);
    }
}

static void put_tinted(FILE *file, bool is_colored, enum tint tint, const char *text)
{
    bool has_tint = is_colored && tint != TINT_NONE;

    if (has_tint)
        (void) fputs(tints[tint], file);
    print_clean(file, text);
    if (has_tint)
        (void) fputs("\033[0m", file);
}

void print_text(struct printer *printer, enum tint tint, const char *text)
{
    put_tinted(printer->out, printer->is_out_colored, tint, text);
}

void print_format(struct printer *printer, const char *format, ...)
{
    struct arena arena cleanup(arena_release) = { 0 };
    char line[512];
    char *text = line;
    int len = 0;
    va_list args;

    assert(format != NULL);
    va_start(args, format);
    len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if ((size_t) len >= sizeof(line)) {
        text = arena_alloc(&arena, (size_t) len + 1);
        va_start(args, format);
        (void) vsnprintf(text, (size_t) len + 1, format, args);
        va_end(args);
    }
    print_clean(printer->out, text);
}

void print_texts(struct printer *printer, const json_t *array, const char *separator,
                 const char *none)
{
    size_t index = 0;
    const json_t *text = NULL;

    if (json_array_size(array) == 0)
        print_text(printer, TINT_NONE, none);
    json_array_foreach(array, index, text)
    {
        if (index > 0)
            print_text(printer, TINT_NONE, separator);
        print_text(printer, TINT_NONE,
                   json_string_value(text) != NULL ? json_string_value(text) : "");
    }
}

void print_json(struct printer *printer, const json_t *json)
{
    char *text = json_format(json);

    if (text == NULL)
        oom();
    (void) fputs(text, printer->out);
    free(text);
    printer->has_answered = true;
}

void print_json_line(struct printer *printer, const json_t *json)
{
    char *text = json_format_line(json);

    if (text == NULL)
        oom();
    (void) fprintf(printer->out, "%s\n", text);
    free(text);
    printer->has_answered = true;
}

static void put_detail(struct printer *printer, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    put_tinted(printer->err, printer->is_err_colored, TINT_DIM, name);
    print_clean(printer->err, text);
    (void) fputc('\n', printer->err);
}

void print_problem(struct printer *printer, const struct error *err)
{
    char line[sizeof(err->file) + sizeof(err->detail) + 32];
    char number[32] = "";

    error_format(err, line, sizeof(line));
    put_tinted(printer->err, printer->is_err_colored, TINT_BAD, "schemadctl: ");
    print_clean(printer->err, line);
    (void) fputc('\n', printer->err);
    if (printer->is_verbose) {
        if (err->sqlite_code != 0)
            (void) snprintf(number, sizeof(number), "%d", err->sqlite_code);
        put_detail(printer, "code: ", error_slug(err->code));
        put_detail(printer, "revision: ", err->revision);
        put_detail(printer, "statement: ", err->statement);
        put_detail(printer, "SQLite's code: ", number);
    }
    put_detail(printer, "hint: ", err->hint);
}

void print_note(struct printer *printer, const char *text)
{
    if (printer->is_quiet)
        return;
    put_tinted(printer->err, printer->is_err_colored, TINT_DIM, "schemadctl: ");
    print_clean(printer->err, text);
    (void) fputc('\n', printer->err);
}

void print_warning(struct printer *printer, const char *text)
{
    put_tinted(printer->err, printer->is_err_colored, TINT_NOTICE, "schemadctl: warning: ");
    print_clean(printer->err, text);
    (void) fputc('\n', printer->err);
}
