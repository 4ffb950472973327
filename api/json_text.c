/*
 * json_text.c - the small pieces that JSON values are put together from.
 */
#include "api/json_text.h"

#include "api/json.h"
#include "base/clock.h"
#include "base/oom.h"

#include <stdlib.h>
#include <string.h>

/* U+FFFD, the replacement character. */
#define REPLACEMENT       "\xef\xbf\xbd"
#define REPLACEMENT_BYTES (sizeof(REPLACEMENT) - 1)

void json_release(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

void json_put(json_t **object, const char *name, json_t *value)
{
    if (*object == NULL) {
        json_decref(value);
        return;
    }
    if (json_object_set_new_nocheck(*object, name, value) != 0)
        json_release(object);
}

void json_push(json_t **array, json_t *value)
{
    if (*array == NULL) {
        json_decref(value);
        return;
    }
    if (json_array_append_new(*array, value) != 0)
        json_release(array);
}

/* Bytes of the UTF-8 sequence at the start of `rest`; 0 when there is none. */
static size_t sequence_length(struct str rest)
{
    for (size_t len = 1; len <= 4 && len <= rest.len; len++) {
        if (str_is_utf8((struct str){ rest.ptr, len }))
            return len;
    }
    return 0;
}

static json_t *json_of_repaired(struct str text)
{
    char *repaired = xmalloc(text.len * REPLACEMENT_BYTES);
    json_t *value = NULL;
    size_t used = 0;

    for (size_t at = 0; at < text.len;) {
        size_t len = sequence_length(str_sub(text, at, text.len));

        memcpy(repaired + used, len > 0 ? text.ptr + at : REPLACEMENT,
               len > 0 ? len : REPLACEMENT_BYTES);
        used += len > 0 ? len : REPLACEMENT_BYTES;
        at += len > 0 ? len : 1;
    }
    value = json_stringn_nocheck(repaired, used);
    free(repaired);
    return value;
}

json_t *json_of_str(struct str text)
{
    if (text.len == 0)
        return json_string_nocheck("");
    if (!str_is_utf8(text))
        return json_of_repaired(text);
    return json_stringn_nocheck(text.ptr, text.len);
}

json_t *json_of_text(const char *text)
{
    return text != NULL ? json_of_str(str_of(text)) : json_null();
}

json_t *json_of_texts(const struct str_list *texts)
{
    json_t *array = json_array();

    for (size_t i = 0; i < texts->count; i++)
        json_push(&array, json_of_text(texts->items[i]));
    return array;
}

json_t *json_of_rows(const version_rows *rows)
{
    return json_of_texts(rows);
}

json_t *json_of_revision_ids(const struct revision_list *revisions)
{
    json_t *ids = json_array();

    for (size_t i = 0; i < revisions->count; i++)
        json_push(&ids, json_of_text(revisions->items[i]->id));
    return ids;
}

json_t *json_of_time(int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];

    if (wall_us == 0)
        return json_null();
    clock_format_rfc3339(wall_us, text);
    return json_string_nocheck(text);
}

json_t *json_of_milliseconds(uint64_t duration_us)
{
    return json_real((double) duration_us / 1000.0);
}

json_t *json_of_count(uint64_t count)
{
    return json_integer(count < (uint64_t) INT64_MAX ? (json_int_t) count : INT64_MAX);
}

/* 15 digits: all that every double keeps, so that 0.1 is not 0.10000000000000001. */
#define DUMP_FLAGS (JSON_REAL_PRECISION(15) | JSON_ENCODE_ANY)

char *json_format(const json_t *value)
{
    char *text = json_dumps(value, DUMP_FLAGS | JSON_INDENT(2));
    size_t len = 0;

    if (text == NULL)
        return NULL;
    len = strlen(text);
    text = xrealloc(text, len + 2);
    memcpy(text + len, "\n", 2);
    return text;
}

char *json_format_new(json_t *value)
{
    char *text = value != NULL ? json_format(value) : NULL;

    json_decref(value);
    return text;
}

char *json_format_line(const json_t *value)
{
    return json_dumps(value, DUMP_FLAGS | JSON_COMPACT);
}
