/*
 * foreign_keys.c - PRAGMA foreign_key_check, table by table, before and after.
 *
 * Table by table, because one foreign key whose parent has no unique index makes the pragma fail
 * for the whole database, and such schemas exist and live.
 */
#include "store/foreign_keys.h"

#include "store/stmt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VIOLATIONS_SHOWN 10

struct violations {
    struct violation *items;
    size_t count;
    size_t capacity;
};

static void add(struct violations *violations, struct arena *arena,
                const struct violation *violation)
{
    if (violations->count == violations->capacity) {
        size_t capacity = violations->capacity == 0 ? 16 : 2 * violations->capacity;
        struct violation *items = arena_array(arena, struct violation, capacity);

        if (violations->count > 0)
            memcpy(items, violations->items, violations->count * sizeof(*items));
        violations->items = items;
        violations->capacity = capacity;
    }
    violations->items[violations->count++] = *violation;
}

static int compare_keys(const struct violation *a, const struct violation *b)
{
    int order = strcasecmp(a->old_table, b->old_table);

    if (order == 0)
        order = strcasecmp(a->old_parent, b->old_parent);
    return order;
}

static int compare(const void *left, const void *right)
{
    const struct violation *a = left;
    const struct violation *b = right;
    int order = compare_keys(a, b);

    if (order == 0)
        order = (a->is_mismatch > b->is_mismatch) - (a->is_mismatch < b->is_mismatch);
    return order != 0 ? order : (a->rowid > b->rowid) - (a->rowid < b->rowid);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Tables with foreign keys, one row a key. */
static bool read_children(struct db *db, const struct announcement *announcement,
                          bool is_everywhere, struct arena *arena, struct str_list *ret,
                          struct error *err)
{
    static const char sql_children[] =
        "SELECT s.name, f.\"table\"\n"
        "FROM main.sqlite_schema AS s, pragma_foreign_key_list(s.name, 'main') AS f\n"
        "WHERE s.type = 'table' AND s.rootpage > 0\n"
        "ORDER BY s.rowid";
    cleanup_stmt struct stmt stmt = { 0 };
    bool has_row = false;

    if (!stmt_prepare(db, sql_children, &stmt, err) || !stmt_step(&stmt, &has_row, err))
        return false;
    while (has_row) {
        const char *child = stmt_text(&stmt, 0, arena);
        bool is_known = ret->count > 0 && strcmp(ret->items[ret->count - 1], child) == 0;

        if (!is_known && (is_everywhere || announcement_names(announcement, child) ||
                          announcement_names(announcement, stmt_text(&stmt, 1, arena))))
            str_list_add(ret, arena, child);
        if (!stmt_step(&stmt, &has_row, err))
            return false;
    }
    return true;
}

/*
 * The named tables themselves: all that inserted rows concern. A name may stand for nothing (yet,
 * or any more), or for a table without keys; the check then says nothing.
 */
static bool read_named(struct db *db, const struct announcement *announcement, struct arena *arena,
                       struct str_list *ret, struct error *err)
{
    static const char sql_exists[] = "SELECT 1\n"
                                     "FROM main.sqlite_schema\n"
                                     "WHERE type = 'table' AND rootpage > 0\n"
                                     "  AND name = :name COLLATE NOCASE";
    cleanup_stmt struct stmt stmt = { 0 };

    if (!stmt_prepare(db, sql_exists, &stmt, err))
        return false;
    for (size_t i = 0; i < announcement->fate_count; i++) {
        const char *name = announcement->fates[i].now;
        bool exists = false;

        if (name == NULL)
            continue;
        stmt_bind_text(&stmt, ":name", name);
        if (!stmt_step(&stmt, &exists, err))
            return false;
        stmt_rewind(&stmt);
        if (exists)
            str_list_add(ret, arena, name);
    }
    return true;
}

/*
 * A parent without unique key: SQLite says "foreign key mismatch" instead of rows, and every write
 * to the child fails once keys are on.
 */
static bool is_mismatch(const struct db *db)
{
    return strstr(sqlite3_errmsg(db->handle), "foreign key mismatch") != NULL;
}

static bool read_table(struct db *db, const char *table, struct arena *arena,
                       struct violations *violations, struct error *err)
{
    static const char sql_check[] = "SELECT rowid, parent\n"
                                    "FROM pragma_foreign_key_check(:table, 'main')";
    cleanup_stmt struct stmt stmt = { 0 };
    struct error local = { 0 };
    const char *parent = "";
    bool has_row = false;

    if (!stmt_prepare(db, sql_check, &stmt, err))
        return false;
    stmt_bind_text(&stmt, ":table", table);
    while (stmt_step(&stmt, &has_row, &local) && has_row) {
        const char *text = (const char *) sqlite3_column_text(stmt.handle, 1);

        if (strcmp(parent, text) != 0)
            parent = arena_strdup(arena, text);
        add(violations, arena,
            &(struct violation){ .table = table, .parent = parent, .rowid = stmt_i64(&stmt, 0) });
    }
    if (local.code != ERR_OK && is_mismatch(db)) {
        add(violations, arena,
            &(struct violation){ .table = table, .parent = "", .is_mismatch = true });
        return true;
    }
    if (local.code != ERR_OK)
        *err = local;
    return local.code == ERR_OK;
}

static bool read_violations(struct db *db, const struct announcement *announcement,
                            bool is_everywhere, struct arena *arena, struct violations *ret,
                            struct error *err)
{
    struct str_list tables = { 0 };
    bool is_read = is_everywhere || announcement->changes_parents
                       ? read_children(db, announcement, is_everywhere, arena, &tables, err)
                       : read_named(db, announcement, arena, &tables, err);

    if (!is_read)
        return false;
    for (size_t i = 0; i < tables.count; i++) {
        if (!read_table(db, tables.items[i], arena, ret, err))
            return false;
    }
    return true;
}

static const char *old_name(const struct announcement *announcement, const char *now)
{
    const struct table_fate *fate =
        announcement == NULL ? NULL : announcement_find_now(announcement, now);

    return fate != NULL && fate->before != NULL ? fate->before : now;
}

static void sort(struct violations *violations, const struct announcement *announcement)
{
    for (size_t i = 0; i < violations->count; i++) {
        struct violation *violation = &violations->items[i];

        violation->old_table = old_name(announcement, violation->table);
        violation->old_parent = old_name(announcement, violation->parent);
    }
    if (violations->count > 0)
        qsort(violations->items, violations->count, sizeof(*violations->items), compare);
}

bool foreign_keys_note(struct db *db, const struct announcement *announcement, bool is_everywhere,
                       struct arena *arena, struct foreign_key_note *ret, struct error *err)
{
    struct violations violations = { 0 };

    if (!announcement->can_break_foreign_keys)
        return true;
    if (!read_violations(db, announcement, is_everywhere, arena, &violations, err))
        return false;
    sort(&violations, NULL);
    ret->is_everywhere = is_everywhere;
    ret->items = violations.items;
    ret->count = violations.count;
    return true;
}

/* --- comparing -------------------------------------------------------------------------------- */

static size_t count_keys(const struct violation *items, size_t count, const struct violation *key)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        found += compare_keys(&items[i], key) == 0 ? 1 : 0;
    return found;
}

/*
 * A rebuild may number rows anew: then the same violations have other row ids, and only their
 * number tells.
 */
static bool is_renumbered(const struct announcement *announcement,
                          const struct foreign_key_note *before, const struct violations *after,
                          const struct violation *violation)
{
    return announcement_find_rebuilt(announcement, violation->old_table) != NULL &&
           count_keys(after->items, after->count, violation) <=
               count_keys(before->items, before->count, violation);
}

static bool is_new(const struct announcement *announcement, const struct foreign_key_note *before,
                   const struct violations *after, const struct violation *violation)
{
    if (before->count > 0 &&
        bsearch(violation, before->items, before->count, sizeof(*before->items), compare) != NULL)
        return false;
    return !is_renumbered(announcement, before, after, violation);
}

static void describe(struct strbuf *text, const struct violation *violation)
{
    strbuf_add_text(text, text->len > 0 ? "; " : "");
    if (violation->is_mismatch)
        strbuf_printf(text, "table \"%s\" refers to columns that no unique index covers",
                      violation->table);
    else if (violation->rowid == 0)
        strbuf_printf(text, "a row of \"%s\" has no parent in \"%s\"", violation->table,
                      violation->parent);
    else
        strbuf_printf(text, "row %lld of \"%s\" has no parent in \"%s\"",
                      (long long) violation->rowid, violation->table, violation->parent);
}

bool foreign_keys_compare(struct db *db, const struct announcement *announcement,
                          const struct foreign_key_note *before, struct arena *arena,
                          struct error *err)
{
    cleanup(strbuf_release) struct strbuf text = { 0 };
    struct violations after = { 0 };
    size_t found = 0;

    if (!announcement->can_break_foreign_keys)
        return true;
    if (!read_violations(db, announcement, before->is_everywhere, arena, &after, err))
        return false;
    sort(&after, announcement);
    strbuf_init(&text, 500);
    for (size_t i = 0; i < after.count; i++) {
        if (is_new(announcement, before, &after, &after.items[i]) && ++found <= VIOLATIONS_SHOWN)
            describe(&text, &after.items[i]);
    }
    if (found == 0)
        return true;
    error_set(err, ERR_FOREIGN_KEYS_VIOLATED, "%zu new foreign key violation%s: %s", found,
              found == 1 ? "" : "s", strbuf_text(&text));
    return error_hint(
        err,
        "Everything was rolled back. Delete or repair these rows in the script before its end.");
}
