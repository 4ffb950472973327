/*
 * loss.c - noting and comparing objects, rows and counters.
 *
 * The measure of what was announced is announcement.c's; here stands what the database had and has.
 */
#include "store/loss.h"

#include "store/index_shape.h"
#include "store/stmt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOSSES_SHOWN 10
#define NOT_NOTED    (-1)

struct noted_object {
    const char *type; /* "table", "index", "trigger", "view" */
    const char *name;
    const char *table;        /* that it belongs to */
    bool is_plain_table;      /* neither virtual nor a part of a virtual one */
    bool is_shadow;           /* keeps a virtual table's content, and comes and goes with it */
    struct index_shape shape; /* of an index whose table is dropped and stands again */
    int64_t rows;             /* NOT_NOTED when they were not counted */
    int64_t sequence;         /* AUTOINCREMENT counter; NOT_NOTED when there is none */
};

/* --- what there is ---------------------------------------------------------------------------- */

static int compare_objects(const void *left, const void *right)
{
    const struct noted_object *a = left;
    const struct noted_object *b = right;
    int order = strcmp(a->type, b->type);

    return order != 0 ? order : strcasecmp(a->name, b->name);
}

static const struct noted_object *find(const struct loss_note *note, const char *type,
                                       const char *name)
{
    struct noted_object key = { .type = type, .name = name };

    if (note->object_count == 0)
        return NULL;
    return bsearch(&key, note->objects, note->object_count, sizeof(key), compare_objects);
}

/*
 * "docs_data" belongs to the virtual table "docs" (sqlite.org/vtab.html#the_xshadowname_method);
 * its rows are none of anybody's business.
 */
static void mark_shadows(struct loss_note *note, const struct noted_object *virtual_table)
{
    size_t len = strlen(virtual_table->name);

    for (size_t i = 0; i < note->object_count; i++) {
        struct noted_object *object = &note->objects[i];

        if (object->is_plain_table && strncasecmp(object->name, virtual_table->name, len) == 0 &&
            object->name[len] == '_') {
            object->is_plain_table = false;
            object->is_shadow = true;
        }
    }
}

static void mark_all_shadows(struct loss_note *note)
{
    for (size_t i = 0; i < note->object_count; i++) {
        const struct noted_object *object = &note->objects[i];

        if (strcmp(object->type, "table") == 0 && !object->is_plain_table && !object->is_shadow)
            mark_shadows(note, object);
    }
}

static bool read_objects(struct db *db, struct arena *arena, struct loss_note *ret,
                         struct error *err)
{
    static const char sql_objects[] =
        "SELECT type, name, tbl_name, type = 'table' AND rootpage > 0\n"
        "FROM main.sqlite_schema\n"
        "WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    cleanup_stmt struct stmt stmt = { 0 };
    int64_t count = 0;
    bool has_row = false;

    if (!db_read_i64(db, "SELECT count(*) FROM main.sqlite_schema", &count, err) ||
        !stmt_prepare(db, sql_objects, &stmt, err) || !stmt_step(&stmt, &has_row, err))
        return false;
    ret->objects = arena_array(arena, struct noted_object, (size_t) count + 1);
    while (has_row) {
        ret->objects[ret->object_count++] = (struct noted_object){
            .type = stmt_text(&stmt, 0, arena),
            .name = stmt_text(&stmt, 1, arena),
            .table = stmt_text(&stmt, 2, arena),
            .is_plain_table = stmt_i64(&stmt, 3) != 0,
            .rows = NOT_NOTED,
            .sequence = NOT_NOTED,
        };
        if (!stmt_step(&stmt, &has_row, err))
            return false;
    }
    qsort(ret->objects, ret->object_count, sizeof(*ret->objects), compare_objects);
    mark_all_shadows(ret);
    return true;
}

static bool read_row_count(struct db *db, const char *table, struct arena *arena, int64_t *ret,
                           struct error *err)
{
    return db_read_i64(db,
                       arena_printf(arena, "SELECT count(*) FROM main.%s",
                                    sql_quote_ident(table, arena)),
                       ret, err);
}

/*
 * The counter of an AUTOINCREMENT table; NOT_NOTED when it has none. The table of counters appears
 * with the first such table.
 */
static bool read_sequence(struct db *db, const char *table, int64_t *ret, struct error *err)
{
    static const char sql_exists[] =
        "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence')";
    static const char sql_sequence[] = "SELECT seq\n"
                                       "FROM main.sqlite_sequence\n"
                                       "WHERE name = :table";
    cleanup_stmt struct stmt stmt = { 0 };
    int64_t exists = 0;
    bool has_row = false;

    *ret = NOT_NOTED;
    if (!db_read_i64(db, sql_exists, &exists, err))
        return false;
    if (exists == 0)
        return true;
    if (!stmt_prepare(db, sql_sequence, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":table", table);
    if (!stmt_step(&stmt, &has_row, err))
        return false;
    if (has_row)
        *ret = stmt_i64(&stmt, 0);
    return true;
}

/* --- before ----------------------------------------------------------------------------------- */

static bool note_object(struct db *db, const struct announcement *announcement, bool is_everywhere,
                        struct noted_object *object, struct arena *arena, struct error *err)
{
    bool is_rebuilt = announcement_find_rebuilt(announcement, object->table) != NULL;

    if (is_rebuilt && strcmp(object->type, "index") == 0)
        return index_shape_read(db, object->table, object->name, arena, &object->shape, err);
    if (!object->is_plain_table)
        return true;
    if ((is_rebuilt || is_everywhere) &&
        !read_row_count(db, object->name, arena, &object->rows, err))
        return false;
    return !is_rebuilt || read_sequence(db, object->name, &object->sequence, err);
}

bool loss_note(struct db *db, const struct announcement *announcement, bool is_everywhere,
               struct arena *arena, struct loss_note *ret, struct error *err)
{
    if (!announcement->drops_tables && !announcement->drops_views && !is_everywhere)
        return true;
    if (!read_objects(db, arena, ret, err))
        return false;
    for (size_t i = 0; i < ret->object_count; i++) {
        if (!note_object(db, announcement, is_everywhere, &ret->objects[i], arena, err))
            return false;
    }
    return true;
}

/* --- after ------------------------------------------------------------------------------------ */

struct comparison {
    struct db *db;
    const struct announcement *announcement;
    struct loss_note after;
    struct arena *arena;
    struct strbuf *text;
    size_t found;
    const struct table_fate *culprit; /* the first dropped table that took something with it */
};

static void lose(struct comparison *comparison, const char *table, const char *what)
{
    const struct table_fate *fate = announcement_find_before(comparison->announcement, table);

    if (++comparison->found <= LOSSES_SHOWN)
        strbuf_printf(comparison->text, "%s%s", comparison->text->len > 0 ? "; " : "", what);
    if (comparison->culprit == NULL && fate != NULL && fate->dropped_by != NULL)
        comparison->culprit = fate;
}

/* Under which name a table (or view) of before lives on; NULL when it was removed. */
static const char *living_name(const struct comparison *comparison, const char *table)
{
    const struct table_fate *fate = announcement_find_before(comparison->announcement, table);

    if (fate != NULL && fate->now != NULL)
        return fate->now;
    if (find(&comparison->after, "table", table) != NULL ||
        find(&comparison->after, "view", table) != NULL)
        return table;
    return NULL;
}

/*
 * DROP TABLE t; CREATE TABLE t without anything being inserted: a new table, and the old one was
 * announced to go with all it had.
 */
static bool is_made_anew(const struct announcement *announcement, const char *table)
{
    const struct table_fate *rebuilt = announcement_find_rebuilt(announcement, table);

    return rebuilt != NULL && !rebuilt->is_renamed && !rebuilt->gets_rows;
}

static bool compare_object(struct comparison *comparison, const struct noted_object *object,
                           struct error *err)
{
    bool is_table = strcmp(object->type, "table") == 0;
    const char *living = living_name(comparison, object->table);
    bool is_dispensable = false;

    if (object->is_shadow || find(&comparison->after, object->type, object->name) != NULL)
        return true;
    if (is_table ? announcement_find_before(comparison->announcement, object->name) != NULL
                 : announcement_drops(comparison->announcement, object->name))
        return true;
    if (!is_table && strcmp(object->type, "view") != 0) {
        if (living == NULL || is_made_anew(comparison->announcement, object->table))
            return true;
        if (strcmp(object->type, "index") == 0 &&
            !index_shape_is_dispensable(comparison->db, living, &object->shape, comparison->arena,
                                        &is_dispensable, err))
            return false;
        if (is_dispensable)
            return true;
    }
    lose(comparison, object->table,
         strcmp(object->name, object->table) == 0
             ? arena_printf(comparison->arena, "%s \"%s\"", object->type, object->name)
             : arena_printf(comparison->arena, "%s \"%s\" of \"%s\"", object->type, object->name,
                            object->table));
    return true;
}

static bool rows_are_announced(const struct announcement *announcement, const char *table)
{
    const struct table_fate *old = announcement_find_before(announcement, table);
    const struct table_fate *rebuilt = announcement_find_rebuilt(announcement, table);

    return (old != NULL && old->rows_are_announced) ||
           (rebuilt != NULL && rebuilt->rows_are_announced) || is_made_anew(announcement, table);
}

static bool compare_rows(struct comparison *comparison, const struct noted_object *table,
                         struct error *err)
{
    const char *living = living_name(comparison, table->name);
    int64_t rows = 0;

    if (table->rows <= 0 || living == NULL || find(&comparison->after, "table", living) == NULL ||
        rows_are_announced(comparison->announcement, table->name))
        return true;
    if (!read_row_count(comparison->db, living, comparison->arena, &rows, err))
        return false;
    if (rows < table->rows)
        lose(comparison, table->name,
             arena_printf(comparison->arena, "%lld of %lld rows of \"%s\"",
                          (long long) (table->rows - rows), (long long) table->rows, table->name));
    return true;
}

static bool compare_sequence(struct comparison *comparison, const struct noted_object *table,
                             struct error *err)
{
    int64_t sequence = NOT_NOTED;

    if (table->sequence <= 0 || comparison->announcement->changes_sequence ||
        is_made_anew(comparison->announcement, table->name) ||
        living_name(comparison, table->name) == NULL)
        return true;
    if (!read_sequence(comparison->db, living_name(comparison, table->name), &sequence, err))
        return false;
    if (sequence < table->sequence)
        lose(comparison, table->name,
             arena_printf(comparison->arena, "the AUTOINCREMENT counter of \"%s\" (%lld)",
                          table->name, (long long) table->sequence));
    return true;
}

static bool fail(const struct comparison *comparison, struct error *err)
{
    error_set(err, ERR_LOSS_UNANNOUNCED, "%zu loss%s that no statement announces: %s",
              comparison->found, comparison->found == 1 ? "" : "es", strbuf_text(comparison->text));
    error_hint(
        err,
        "Everything was rolled back. Recreate what was lost in the script, or say in it that it "
        "goes (DROP INDEX IF EXISTS, DELETE), or allow losses for this database.");
    if (comparison->culprit != NULL) {
        error_at(err, &comparison->culprit->dropped_at);
        error_of_revision(err, comparison->culprit->dropped_by->id);
    }
    return false;
}

bool loss_compare(struct db *db, const struct announcement *announcement,
                  const struct loss_note *before, struct arena *arena, struct error *err)
{
    cleanup(strbuf_release) struct strbuf text = { 0 };
    struct comparison comparison = {
        .db = db, .announcement = announcement, .arena = arena, .text = &text
    };

    if (before->object_count == 0)
        return true;
    if (!read_objects(db, arena, &comparison.after, err))
        return false;
    strbuf_init(&text, 500);
    for (size_t i = 0; i < before->object_count; i++) {
        const struct noted_object *object = &before->objects[i];

        if (!compare_object(&comparison, object, err) || !compare_rows(&comparison, object, err) ||
            !compare_sequence(&comparison, object, err))
            return false;
    }
    return comparison.found == 0 || fail(&comparison, err);
}
