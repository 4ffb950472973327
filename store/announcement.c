/*
 * announcement.c - reading what scripts take away from the first tokens of their statements.
 *
 * Knows the shape of a dozen statements and no more of SQL's grammar; what it does not understand
 * announces nothing, so that a loss is rather asked about than missed.
 */
#include "store/announcement.h"

#include <string.h>
#include <strings.h>

/* A statement being read: one token of look-ahead. */
struct reader {
    struct str rest;
    struct token token;
    struct arena *arena;
    const struct script *script;
    struct source_pos pos; /* of the statement */
};

static void reader_next(struct reader *reader)
{
    reader->token = scan_token(&reader->rest);
}

static bool reader_is(const struct reader *reader, const char *word)
{
    return reader->token.kind == TOKEN_WORD && str_is_nocase(reader->token.text, word);
}

static bool reader_take(struct reader *reader, const char *word)
{
    if (!reader_is(reader, word))
        return false;
    reader_next(reader);
    return true;
}

/* [schema .] name; NULL for a temporary object, which is none of the database's. */
static const char *reader_take_name(struct reader *reader)
{
    const char *name = token_name(&reader->token, reader->arena);
    bool is_temp = false;

    reader_next(reader);
    if (str_is(reader->token.text, ".")) {
        is_temp = strcasecmp(name, "temp") == 0;
        reader_next(reader);
        name = token_name(&reader->token, reader->arena);
        reader_next(reader);
    }
    return is_temp ? NULL : name;
}

/* --- fates ------------------------------------------------------------------------------------ */

static struct table_fate *find_now(const struct announcement *announcement, const char *name)
{
    for (size_t i = 0; i < announcement->fate_count; i++) {
        struct table_fate *fate = &announcement->fates[i];

        if (fate->now != NULL && strcasecmp(fate->now, name) == 0)
            return fate;
    }
    return NULL;
}

static struct table_fate *add_fate(struct announcement *announcement, struct arena *arena,
                                   const struct table_fate *fate)
{
    if (announcement->fate_count == announcement->fate_capacity) {
        size_t capacity = announcement->fate_capacity == 0 ? 16 : 2 * announcement->fate_capacity;
        struct table_fate *fates = arena_array(arena, struct table_fate, capacity);

        if (announcement->fate_count > 0)
            memcpy(fates, announcement->fates, announcement->fate_count * sizeof(*fates));
        announcement->fates = fates;
        announcement->fate_capacity = capacity;
    }
    announcement->fates[announcement->fate_count] = *fate;
    return &announcement->fates[announcement->fate_count++];
}

/* The table called `name` at this point of the run; one that no statement made was there before. */
static struct table_fate *fate_of(struct announcement *announcement, struct arena *arena,
                                  const char *name)
{
    struct table_fate *fate = find_now(announcement, name);

    return fate != NULL
               ? fate
               : add_fate(announcement, arena, &(struct table_fate){ .before = name, .now = name });
}

const struct table_fate *announcement_find_before(const struct announcement *announcement,
                                                  const char *name)
{
    for (size_t i = 0; i < announcement->fate_count; i++) {
        const struct table_fate *fate = &announcement->fates[i];

        if (fate->before != NULL && strcasecmp(fate->before, name) == 0)
            return fate;
    }
    return NULL;
}

const struct table_fate *announcement_find_now(const struct announcement *announcement,
                                               const char *name)
{
    return find_now(announcement, name);
}

const struct table_fate *announcement_find_rebuilt(const struct announcement *announcement,
                                                   const char *name)
{
    const struct table_fate *old = announcement_find_before(announcement, name);

    return old != NULL && old->now == NULL ? find_now(announcement, name) : NULL;
}

bool announcement_names(const struct announcement *announcement, const char *name)
{
    return announcement_find_before(announcement, name) != NULL ||
           find_now(announcement, name) != NULL;
}

bool announcement_drops(const struct announcement *announcement, const char *name)
{
    for (size_t i = 0; i < announcement->drops.count; i++) {
        if (strcasecmp(announcement->drops.items[i], name) == 0)
            return true;
    }
    return false;
}

/* --- statements ------------------------------------------------------------------------------- */

/* What is made again is no longer announced to be gone. */
static void forget_drop(struct announcement *announcement, const char *name)
{
    struct str_list *drops = &announcement->drops;
    size_t kept = 0;

    for (size_t i = 0; i < drops->count; i++) {
        if (strcasecmp(drops->items[i], name) != 0)
            drops->items[kept++] = drops->items[i];
    }
    drops->count = kept;
}

/* CREATE [TEMP] [UNIQUE | VIRTUAL] TABLE|INDEX|TRIGGER|VIEW [IF NOT EXISTS] name */
static void read_create(struct announcement *announcement, struct reader *reader)
{
    bool is_temp = reader_take(reader, "TEMP") || reader_take(reader, "TEMPORARY");
    bool is_table = false;
    bool may_exist = false;
    const char *name = NULL;

    if (!reader_take(reader, "VIRTUAL"))
        reader_take(reader, "UNIQUE");
    is_table = reader_is(reader, "TABLE");
    if (reader_is(reader, "TRIGGER"))
        announcement->creates_trigger = true;
    reader_next(reader);
    if (reader_take(reader, "IF")) {
        reader_take(reader, "NOT");
        reader_take(reader, "EXISTS");
        may_exist = true;
    }
    name = reader_take_name(reader);
    if (name == NULL || is_temp)
        return;
    if (!is_table)
        forget_drop(announcement, name);
    else if (may_exist)
        fate_of(announcement, reader->arena, name);
    else if (find_now(announcement, name) == NULL)
        add_fate(announcement, reader->arena, &(struct table_fate){ .now = name });
}

/*
 * A table in its new coat is dropped for a newer one: what was said of its rows holds for the first
 * one.
 */
static void hand_back(struct announcement *announcement, const struct table_fate *coat,
                      const char *name)
{
    for (size_t i = 0; i < announcement->fate_count && coat->before == NULL; i++) {
        struct table_fate *fate = &announcement->fates[i];

        if (fate->before != NULL && strcasecmp(fate->before, name) == 0)
            fate->rows_are_announced = fate->rows_are_announced || coat->rows_are_announced;
    }
}

/* DROP TABLE|INDEX|TRIGGER|VIEW [IF EXISTS] name */
static void read_drop(struct announcement *announcement, struct reader *reader)
{
    bool is_table = reader_is(reader, "TABLE");
    bool is_view = reader_is(reader, "VIEW");
    const char *name = NULL;

    reader_next(reader);
    if (reader_take(reader, "IF"))
        reader_take(reader, "EXISTS");
    name = reader_take_name(reader);
    if (name == NULL)
        return;
    if (is_table) {
        struct table_fate *fate = fate_of(announcement, reader->arena, name);

        announcement->drops_tables = true;
        announcement->can_break_foreign_keys = true;
        announcement->changes_parents = true;
        hand_back(announcement, fate, name);
        fate->now = NULL;
        fate->dropped_by = reader->script;
        fate->dropped_at = reader->pos;
    } else {
        announcement->drops_views = announcement->drops_views || is_view;
        str_list_add(&announcement->drops, reader->arena, name);
    }
}

static bool names_word(struct str sql, const char *word)
{
    struct token token = { 0 };

    do {
        token = scan_token(&sql);
        if (token.kind == TOKEN_WORD && str_is_nocase(token.text, word))
            return true;
    } while (token.kind != TOKEN_END);
    return false;
}

/* ALTER TABLE name RENAME TO other; adding a column breaks no foreign key unless it is one. */
static void read_alter(struct announcement *announcement, struct reader *reader)
{
    const char *from = NULL;
    const char *to = NULL;
    struct table_fate *fate = NULL;

    reader_take(reader, "TABLE");
    from = reader_take_name(reader);
    if (!reader_is(reader, "ADD"))
        announcement->changes_parents = true;
    if (!reader_is(reader, "ADD") || names_word(reader->rest, "REFERENCES"))
        announcement->can_break_foreign_keys = true;
    if (from == NULL)
        return;
    fate = fate_of(announcement, reader->arena, from);
    if (!reader_take(reader, "RENAME") || !reader_take(reader, "TO"))
        return;
    to = token_name(&reader->token, reader->arena);
    fate->now = to;
    fate->is_renamed = true;
}

/* INSERT [OR x] INTO name, REPLACE INTO name, UPDATE [OR x] name, DELETE FROM name */
static void read_change(struct announcement *announcement, struct reader *reader)
{
    bool is_delete = reader_is(reader, "DELETE");
    bool is_insert = reader_is(reader, "INSERT") || reader_is(reader, "REPLACE");
    bool replaces = reader_is(reader, "REPLACE");
    const char *name = NULL;
    struct table_fate *fate = NULL;

    reader_next(reader);
    if (reader_take(reader, "OR")) {
        replaces = reader_is(reader, "REPLACE");
        reader_next(reader);
    }
    if (is_insert || is_delete)
        reader_next(reader); /* INTO, FROM */
    name = reader_take_name(reader);
    announcement->changes_rows = true;
    announcement->can_break_foreign_keys = true;
    if (!is_insert || replaces || names_word(reader->rest, "CONFLICT"))
        announcement->changes_parents = true;
    if (name == NULL)
        return;
    if (strcasecmp(name, "sqlite_sequence") == 0) {
        announcement->changes_sequence = true;
        return;
    }
    fate = fate_of(announcement, reader->arena, name);
    fate->rows_are_announced = fate->rows_are_announced || is_delete || replaces;
    fate->gets_rows = fate->gets_rows || is_insert;
}

static bool is_change(const struct reader *reader)
{
    return reader_is(reader, "INSERT") || reader_is(reader, "REPLACE") ||
           reader_is(reader, "UPDATE") || reader_is(reader, "DELETE");
}

/* WITH common tables: the statement proper begins at the first such word outside parentheses. */
static void skip_common_tables(struct reader *reader)
{
    int depth = 0;

    while (reader->token.kind != TOKEN_END &&
           !(depth == 0 && (is_change(reader) || reader_is(reader, "SELECT")))) {
        if (str_is(reader->token.text, "("))
            depth++;
        else if (str_is(reader->token.text, ")"))
            depth--;
        reader_next(reader);
    }
}

static void read_statement(struct announcement *announcement, const struct script *script,
                           const struct statement *statement, struct arena *arena)
{
    struct reader reader = {
        .rest = statement->sql,
        .arena = arena,
        .script = script,
        .pos = { .file = script->path, .line = statement->line, .column = statement->column },
    };

    reader_next(&reader);
    if (reader_is(&reader, "WITH"))
        skip_common_tables(&reader);
    if (reader_take(&reader, "CREATE"))
        read_create(announcement, &reader);
    else if (reader_take(&reader, "DROP"))
        read_drop(announcement, &reader);
    else if (reader_take(&reader, "ALTER"))
        read_alter(announcement, &reader);
    else if (is_change(&reader))
        read_change(announcement, &reader);
}

static void read_step(struct announcement *announcement, const struct step *step,
                      struct arena *arena)
{
    const struct script *script = step->revision->script;
    const struct statements *statements =
        step->direction == DIRECTION_UP ? &script->up : &script->down;

    announcement->foreign_keys_on = announcement->foreign_keys_on || script->foreign_keys_on;
    for (size_t i = 0; i < statements->count; i++)
        read_statement(announcement, script, &statements->items[i], arena);
}

const struct announcement *announcement_of(const struct plan *plan, size_t from, size_t to,
                                           struct arena *arena)
{
    struct announcement *announcement = arena_new(arena, struct announcement);

    for (size_t i = from; i < to && plan->verb != VERB_STAMP; i++)
        read_step(announcement, &plan->steps[i], arena);
    return announcement;
}
