/*
 * backup_names.c - names of backups, written and read.
 */
#include "store/backup_names.h"

#include "base/clock.h"

#include <string.h>
#include <time.h>

#define NAME_REVISIONS_MAX 150 /* a file name has at most 255 bytes */
#define COMPACT_TIME_LEN   16  /* "20261120T150304Z" */

static const char *revisions_text(const version_rows *rows, struct arena *arena)
{
    const char *text = NULL;

    if (rows->count == 0)
        return "base";
    for (size_t i = 0; i < rows->count; i++) {
        if (!revision_id_is_valid(rows->items[i]))
            return "unknown";
    }
    text = str_list_join(rows, "+", arena);
    return strlen(text) <= NAME_REVISIONS_MAX ? text : "several";
}

const char *backup_name_format(const char *prefix, int64_t wall_us, const version_rows *rows,
                               unsigned number, struct arena *arena)
{
    char time_text[CLOCK_TEXT_SIZE];
    const char *revisions = revisions_text(rows, arena);

    clock_format_compact(wall_us, time_text);
    if (number <= 1)
        return arena_printf(arena, "%s-%s-%s.db", prefix, time_text, revisions);
    return arena_printf(arena, "%s-%s-%s-%u.db", prefix, time_text, revisions, number);
}

static bool parse_time(struct str text, int64_t *ret_us)
{
    char buffer[COMPACT_TIME_LEN + 1] = { 0 };
    struct tm fields = { 0 };
    const char *end = NULL;

    if (text.len != COMPACT_TIME_LEN)
        return false;
    memcpy(buffer, text.ptr, text.len);
    end = strptime(buffer, "%Y%m%dT%H%M%SZ", &fields);
    if (end == NULL || *end != '\0')
        return false;
    *ret_us = (int64_t) timegm(&fields) * 1000000;
    return true;
}

static bool parse_revisions(struct str text, struct arena *arena, version_rows *ret)
{
    if (str_is(text, "base") || str_is(text, "unknown") || str_is(text, "several"))
        return true;
    for (size_t from = 0; from <= text.len;) {
        size_t to = str_find_char(text, '+', from);
        const char *id = arena_strndup(arena, text.ptr + from, to - from);

        if (!revision_id_is_valid(id))
            return false;
        str_list_add(ret, arena, id);
        from = to + 1;
    }
    return true;
}

bool backup_name_parse(const char *name, const char *prefix, struct arena *arena,
                       struct backup_info *ret, unsigned *ret_number)
{
    struct str rest = str_of(name);
    struct backup_info info = { .name = name };
    uint64_t number = 1;
    size_t dash = 0;

    if (!str_starts_with(rest, prefix) || !str_ends_with(rest, ".db"))
        return false;
    rest = str_sub(rest, strlen(prefix), rest.len - 3);
    if (rest.len < COMPACT_TIME_LEN + 2 || rest.ptr[0] != '-' ||
        rest.ptr[COMPACT_TIME_LEN + 1] != '-' ||
        !parse_time(str_sub(rest, 1, COMPACT_TIME_LEN + 1), &info.created_us))
        return false;
    rest = str_sub(rest, COMPACT_TIME_LEN + 2, rest.len);
    dash = str_find_char(rest, '-', 0); /* no revision id has one */
    if (dash < rest.len && !str_to_u64(str_sub(rest, dash + 1, rest.len), UINT32_MAX, &number))
        return false;
    if (!parse_revisions(str_sub(rest, 0, dash), arena, &info.rows))
        return false;
    *ret = info;
    *ret_number = (unsigned) number;
    return true;
}

const char *backup_partial_name(const char *name, struct arena *arena)
{
    return arena_printf(arena, ".%s.partial", name);
}

bool backup_name_is_leftover(const char *name, const char *prefix)
{
    static const char *const endings[] = { ".db.partial", ".db.partial-journal", ".db.partial-wal",
                                           ".db.partial-shm" };
    struct str rest = str_of(name);
    size_t prefix_len = strlen(prefix);

    if (rest.len < prefix_len + 2 || rest.ptr[0] != '.' ||
        !str_starts_with(str_sub(rest, 1, rest.len), prefix) || rest.ptr[prefix_len + 1] != '-')
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        if (str_ends_with(rest, endings[i]))
            return true;
    }
    return false;
}
