/*
 * table.c - columns of text.
 */
#include "cli/table.h"

#include <assert.h>

/* Bytes that do not continue a code point (RFC 3629 section 3). */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char) *text & 0xc0) != 0x80;
    return width;
}

void table_add(struct table *table, struct arena *arena, const char *text)
{
    str_list_add(&table->cells, arena, text);
}

const char *table_format(const struct table *table, struct arena *arena)
{
    struct strbuf buffer cleanup(strbuf_release);
    size_t *widths = arena_array(arena, size_t, table->columns);

    assert(table->columns > 0 && table->cells.count % table->columns == 0);
    for (size_t i = 0; i < table->cells.count; i++) {
        size_t width = width_of(table->cells.items[i]);

        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    strbuf_init(&buffer, (size_t) 16 * 1024 * 1024);
    for (size_t i = 0; i < table->cells.count; i++) {
        bool is_last = (i + 1) % table->columns == 0;

        strbuf_add_text(&buffer, table->cells.items[i]);
        if (is_last)
            strbuf_add_char(&buffer, '\n');
        else
            strbuf_printf(&buffer, "%*s",
                          (int) (widths[i % table->columns] - width_of(table->cells.items[i])) + 2,
                          "");
    }
    return table->cells.count > 0 ? arena_strdup(arena, strbuf_text(&buffer)) : "";
}
