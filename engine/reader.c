/*
 * reader.c - the connection behind every GET.
 *
 * The order makes it true: data_version is asked before the rows are read, so rows can be newer
 * than the number that is remembered for them, never older; then the next look reads them once
 * more.
 */
#include "engine/reader.h"

#include "base/oom.h"
#include "engine/look.h"

#include <stdlib.h>

struct reader {
    const struct engine_settings *settings;
    struct db *db;         /* NULL while there is nothing to keep open */
    bool has_known;        /* `known` is of a look that succeeded */
    struct look known;     /* the last look */
    struct arena arena;    /* holds known.rows */
    uint32_t data_version; /* of `db`, when known was read through it */
    bool is_known_of_db;   /* known was read through `db` */
};

struct reader *reader_new(const struct engine_settings *settings)
{
    struct reader *reader = xcalloc(1, sizeof(*reader));

    reader->settings = settings;
    return reader;
}

static void forget_connection(struct reader *reader)
{
    db_close(take_ptr(reader->db));
    reader->is_known_of_db = false;
}

void reader_free(struct reader *reader)
{
    if (reader == NULL)
        return;
    forget_connection(reader);
    arena_release(&reader->arena);
    free(reader);
}

void reader_cleanup(struct reader **reader)
{
    reader_free(*reader);
}

static void rows_copy(version_rows *to, const version_rows *from, struct arena *arena)
{
    *to = (version_rows){ 0 };
    for (size_t i = 0; i < from->count; i++)
        str_list_add(to, arena, arena_strdup(arena, from->items[i]));
}

static void know(struct reader *reader, const struct look *look)
{
    struct arena fresh = { 0 };
    struct look known = *look;

    rows_copy(&known.rows, &look->rows, &fresh);
    arena_release(&reader->arena);
    reader->arena = fresh;
    reader->known = known;
    reader->has_known = true;
}

static void answer(const struct reader *reader, bool is_changed, struct arena *arena,
                   struct reader_look *ret)
{
    *ret = (struct reader_look){
        .exists = reader->known.exists,
        .has_version_table = reader->known.has_version_table,
        .is_changed = is_changed,
        .facts = reader->known.facts,
    };
    rows_copy(&ret->rows, &reader->known.rows, arena);
}

static void look_at_nothing(struct reader *reader, struct arena *arena, struct reader_look *ret)
{
    static const struct look nothing = { 0 };
    bool is_changed = !reader->has_known || reader->known.exists;

    forget_connection(reader);
    know(reader, &nothing);
    answer(reader, is_changed, arena, ret);
}

static bool look_through(struct reader *reader, struct arena *arena, struct reader_look *ret,
                         struct error *err)
{
    struct db_options options = { .access = DB_READ, .busy_timeout_ms = 0 };
    cleanup(arena_release) struct arena scratch = { 0 };
    struct look look = { 0 };
    uint32_t version = 0;

    if (reader->db == NULL && !db_open(reader->settings->database, &options, &reader->db, err))
        return false;
    if (!db_data_version(reader->db, &version, err))
        return false;
    if (reader->is_known_of_db && version == reader->data_version) {
        answer(reader, false, arena, ret);
        return true;
    }
    if (!look_read(reader->db, reader->settings->version_table, &scratch, &look, err))
        return false;
    know(reader, &look);
    reader->data_version = version;
    reader->is_known_of_db = true;
    answer(reader, true, arena, ret);
    return true;
}

bool reader_look(struct reader *reader, struct arena *arena, struct reader_look *ret,
                 struct error *err)
{
    if (!look_exists(reader->settings->database)) {
        look_at_nothing(reader, arena, ret);
        return true;
    }
    if (reader->db != NULL && db_has_moved(reader->db))
        forget_connection(reader);
    if (look_through(reader, arena, ret, err))
        return true;
    /* A busy connection is a good one. Any other may be of a file that is broken or gone. */
    if (err->code != ERR_DATABASE_BUSY)
        forget_connection(reader);
    return false;
}
