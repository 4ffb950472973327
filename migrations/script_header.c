/*
 * script_header.c - message and header words.
 *
 * A message is free text and a header word is law, and both are comments. So the words are few,
 * exact, and what looks like a slip of one is refused rather than taken for text: a `Revison ID`
 * that became part of the message would be a revision without an id, and a `Irreversable` one with
 * a way down.
 */
#include "migrations/script_header.h"

#include "migrations/nearest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD_LEN_MAX 40

struct field {
    enum header_word word;
    struct str value;      /* trimmed */
    struct source_pos pos; /* of the value */
};

static const char *const word_names[HEADER_WORD_COUNT] = {
    [HEADER_REVISION_ID] = "Revision ID",       [HEADER_REVISES] = "Revises",
    [HEADER_CREATE_DATE] = "Create Date",       [HEADER_BRANCH_LABELS] = "Branch Labels",
    [HEADER_DEPENDS_ON] = "Depends On",         [HEADER_FOREIGN_KEYS] = "Foreign Keys",
    [HEADER_TRANSACTION] = "Transaction",       [HEADER_IRREVERSIBLE] = "Irreversible",
    [HEADER_REQUIRES_EMPTY] = "Requires Empty",
};

/* --- ids and labels --- */

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_target_word(const char *text)
{
    return strcmp(text, "head") == 0 || strcmp(text, "heads") == 0 || strcmp(text, "base") == 0 ||
           strcmp(text, "current") == 0;
}

bool revision_id_is_valid(const char *id)
{
    size_t len = strlen(id);

    if (len == 0 || len > REVISION_ID_MAX || is_target_word(id))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_letter_or_digit(id[i]) && id[i] != '_' && id[i] != '.')
            return false;
    }
    return true;
}

bool branch_label_is_valid(const char *label)
{
    size_t len = strlen(label);
    size_t digits = 0;

    if (len == 0 || len > BRANCH_LABEL_MAX || label[0] == '-' || is_target_word(label))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_letter_or_digit(label[i]) && (unsigned char) label[i] < 0x80 &&
            strchr("_.-/", label[i]) == NULL)
            return false;
    }
    while (digits < len && label[len - digits - 1] >= '0' && label[len - digits - 1] <= '9')
        digits++;
    return digits == 0 || digits == len || label[len - digits - 1] != '-';
}

/* --- values --- */

static bool refuse(struct header *header, const struct field *field, const char *hint)
{
    error_hint(header->err, "%s", hint);
    return error_at(header->err, &field->pos);
}

static bool refuse_value(struct header *header, const struct field *field, const char *hint)
{
    error_set(header->err, ERR_SCRIPT_INVALID, "%s cannot be \"" STR_FORMAT "\"",
              word_names[field->word], STR_ARGS(str_sub(field->value, 0, 100)));
    return refuse(header, field, hint);
}

static bool require_value(struct header *header, const struct field *field, const char *hint)
{
    if (field->value.len > 0)
        return true;
    error_set(header->err, ERR_SCRIPT_INVALID, "%s has no value", word_names[field->word]);
    return refuse(header, field, hint);
}

static const char *copy(struct header *header, struct str text)
{
    return arena_strndup(header->arena, text.ptr, text.len);
}

struct list_rule {
    bool (*is_valid)(const char *item); /* NULL: anything is */
    const char *hint;
};

static bool read_item(struct header *header, const struct field *field,
                      const struct list_rule *rule, struct str_list *ret)
{
    const char *item = copy(header, field->value);

    if (item[0] == '\0') {
        error_set(header->err, ERR_SCRIPT_INVALID, "%s has an empty item", word_names[field->word]);
        return refuse(header, field, "Put one comma between two items, and none at the end.");
    }
    if (rule->is_valid != NULL && !rule->is_valid(item))
        return refuse_value(header, field, rule->hint);
    if (str_list_has(ret, item)) {
        error_set(header->err, ERR_SCRIPT_INVALID, "%s names \"%s\" twice", word_names[field->word],
                  item);
        return refuse(header, field, "Remove one of them.");
    }
    str_list_add(ret, header->arena, item);
    return true;
}

/* "a, b"; nothing at all is an empty list. */
static bool read_list(struct header *header, const struct field *field,
                      const struct list_rule *rule, struct str_list *ret)
{
    size_t from = 0;

    if (field->value.len == 0)
        return true;
    while (from <= field->value.len) {
        size_t comma = str_find_char(field->value, ',', from);
        struct str untrimmed = str_sub(field->value, from, comma);
        struct field item = { field->word, str_trim(untrimmed), field->pos };

        item.pos.column += (unsigned) (item.value.ptr - field->value.ptr);
        if (!read_item(header, &item, rule, ret))
            return false;
        from = comma + 1;
    }
    return true;
}

static bool reference_is_valid(const char *text)
{
    return revision_id_is_valid(text) || branch_label_is_valid(text);
}

static bool read_id(struct header *header, const struct field *field)
{
    static const char hint[] =
        "An id is 1 to 32 of the characters A-Z, a-z, 0-9, _ and . and none of "
        "the words head, heads, base and current.";
    const char *id = copy(header, field->value);

    if (!require_value(header, field, hint))
        return false;
    if (!revision_id_is_valid(id))
        return refuse_value(header, field, hint);
    header->script->id = id;
    return true;
}

static bool read_revises(struct header *header, const struct field *field)
{
    static const struct list_rule rule = {
        revision_id_is_valid,
        "Name full revision ids, with commas between them; nothing for a base."
    };

    return read_list(header, field, &rule, &header->script->revises);
}

static bool read_depends_on(struct header *header, const struct field *field)
{
    static const struct list_rule rule = {
        reference_is_valid, "Name revision ids or branch labels, with commas between them."
    };

    return read_list(header, field, &rule, &header->script->depends_on);
}

static bool read_labels(struct header *header, const struct field *field)
{
    static const struct list_rule rule = {
        branch_label_is_valid,
        "A label is made of letters, digits, _ . - and /, does not end in -1 or "
        "the like, and is none of the words head, heads, base and current."
    };

    return read_list(header, field, &rule, &header->script->labels);
}

static bool read_requires_empty(struct header *header, const struct field *field)
{
    static const struct list_rule rule = { 0 };

    return require_value(header, field, "Name tables, with commas between them.") &&
           read_list(header, field, &rule, &header->script->requires_empty);
}

static bool read_create_date(struct header *header, const struct field *field)
{
    header->script->create_date = field->value.len > 0 ? copy(header, field->value) : NULL;
    return true;
}

static bool read_foreign_keys(struct header *header, const struct field *field)
{
    if (!str_is(field->value, "on") && !str_is(field->value, "off"))
        return refuse_value(header, field,
                            "Write on or off; off, the default, checks them before the "
                            "commit only.");
    header->script->foreign_keys_on = str_is(field->value, "on");
    return true;
}

static bool read_transaction(struct header *header, const struct field *field)
{
    if (!str_is(field->value, "none"))
        return refuse_value(header, field,
                            "Write none, or leave the word out: scripts run in a transaction.");
    header->script->transaction_none = true;
    return true;
}

static bool read_irreversible(struct header *header, const struct field *field)
{
    if (!require_value(header, field, "Say why there is no way down."))
        return false;
    header->script->irreversible = copy(header, field->value);
    return true;
}

static bool (*const word_readers[HEADER_WORD_COUNT])(struct header *, const struct field *) = {
    [HEADER_REVISION_ID] = read_id,
    [HEADER_REVISES] = read_revises,
    [HEADER_CREATE_DATE] = read_create_date,
    [HEADER_BRANCH_LABELS] = read_labels,
    [HEADER_DEPENDS_ON] = read_depends_on,
    [HEADER_FOREIGN_KEYS] = read_foreign_keys,
    [HEADER_TRANSACTION] = read_transaction,
    [HEADER_IRREVERSIBLE] = read_irreversible,
    [HEADER_REQUIRES_EMPTY] = read_requires_empty,
};

/* --- lines --- */

/* What a line's word is to the known ones. */
enum word_match {
    MATCH_NONE,  /* the line has not the shape of a header line */
    MATCH_OTHER, /* it has, but the word is none of ours */
    MATCH_NEAR,  /* nor is this, but it may be a slip of one */
    MATCH_EXACT,
};

/* The word of a line of the shape `Word: value`: letters, spaces and hyphens, then a colon that
 * ends the line or has white space behind it ("see https://..." has not). Empty when the line has
 * not this shape. */
static struct str word_of(struct str text)
{
    struct str word = str_sub(text, 0, str_find_char(text, ':', 0));

    if (word.len == text.len || word.len == 0 || word.len > WORD_LEN_MAX)
        return str_of("");
    for (size_t i = 0; i < word.len; i++) {
        bool is_letter = is_letter_or_digit(word.ptr[i]) && !(word.ptr[i] <= '9');

        if (!is_letter && (i == 0 || (word.ptr[i] != ' ' && word.ptr[i] != '-')))
            return str_of("");
    }
    if (word.len + 1 < text.len && text.ptr[word.len + 1] != ' ' && text.ptr[word.len + 1] != '\t')
        return str_of("");
    return str_trim(word);
}

/* The known word nearest to `word`, and how far it is. */
static enum header_word nearest_word(struct str word, size_t *ret_distance)
{
    enum header_word nearest = HEADER_REVISION_ID;

    *ret_distance = SIZE_MAX;
    for (size_t i = 0; i < HEADER_WORD_COUNT; i++) {
        size_t distance = nearest_distance(word, str_of(word_names[i]));

        if (distance < *ret_distance) {
            *ret_distance = distance;
            nearest = (enum header_word) i;
        }
    }
    return nearest;
}

/* Short words are soon like another ("Revised:"), so they may differ less. */
static enum word_match match_word(struct str word, enum header_word *ret_nearest)
{
    size_t distance = 0;

    if (word.len == 0)
        return MATCH_NONE;
    *ret_nearest = nearest_word(word, &distance);
    if (str_is(word, word_names[*ret_nearest]))
        return MATCH_EXACT;
    return distance <= (word.len < 10 ? 1 : 2) ? MATCH_NEAR : MATCH_OTHER;
}

bool header_must_escape(struct str message_line)
{
    enum header_word nearest = HEADER_REVISION_ID;
    enum word_match match = match_word(word_of(str_trim(message_line)), &nearest);

    return match == MATCH_EXACT || match == MATCH_NEAR || str_starts_with(message_line, "\\");
}

static bool refuse_word(struct header *header, struct str word, enum word_match match,
                        enum header_word nearest, const struct source_pos *pos)
{
    error_set(header->err, ERR_SCRIPT_INVALID, "unknown header word \"" STR_FORMAT "\"",
              STR_ARGS(word));
    if (match == MATCH_NEAR && !header->has_words)
        error_hint(
            header->err,
            "Did you mean \"%s\"? If the line belongs to the message, write a backslash before it.",
            word_names[nearest]);
    else if (match == MATCH_NEAR)
        error_hint(header->err, "Did you mean \"%s\"?", word_names[nearest]);
    else
        error_hint(header->err,
                   "The nearest known one is \"%s\"; other comments of this shape belong "
                   "before the header words or behind the marker.",
                   word_names[nearest]);
    return error_at(header->err, pos);
}

static bool read_word(struct header *header, enum header_word word, struct str text,
                      const struct source_pos *pos)
{
    size_t colon = str_find_char(text, ':', 0);
    struct str value = str_trim(str_sub(text, colon + 1, text.len));
    struct field field = { word, value, *pos };

    header->has_words = true;
    if (header->word_lines[word] != 0) {
        error_set(header->err, ERR_SCRIPT_INVALID, "%s stands twice, first in line %u",
                  word_names[word], header->word_lines[word]);
        return refuse(header, &field, "Remove one of the two lines.");
    }
    header->word_lines[word] = pos->line;
    field.pos.column += (unsigned) ((value.len > 0 ? value.ptr : text.ptr) - text.ptr);
    return word_readers[word](header, &field);
}

static void add_message_line(struct header *header, struct str text)
{
    struct str line = text;

    if (header->has_words)
        return;
    if (str_starts_with(line, "\\"))
        line = str_sub(line, 1, line.len);
    str_list_add(&header->message, header->arena, copy(header, line));
}

/* Without white space at its end; what stands at its beginning may be meant. */
static struct str trim_end(struct str text)
{
    struct str trimmed = str_trim(text);

    return trimmed.len == 0 ? str_sub(text, 0, 0)
                            : str_sub(text, 0, (size_t) (trimmed.ptr - text.ptr) + trimmed.len);
}

bool header_read(struct header *header, struct str line, const struct source_pos *pos)
{
    struct str text = trim_end(str_sub(line, str_starts_with(line, "-- ") ? 3 : 2, line.len));
    struct str trimmed = str_trim(text);
    struct source_pos text_pos = *pos;
    enum header_word nearest = HEADER_REVISION_ID;
    enum word_match match = MATCH_NONE;

    if (str_starts_with(text, "\\") && !header->has_words) {
        add_message_line(header, text);
        return true;
    }
    text_pos.column += trimmed.len > 0 ? (unsigned) (trimmed.ptr - line.ptr) : 0;
    match = match_word(word_of(trimmed), &nearest);
    if (match == MATCH_EXACT)
        return read_word(header, nearest, trimmed, &text_pos);
    if (match == MATCH_NEAR || (match == MATCH_OTHER && header->has_words))
        return refuse_word(header, word_of(trimmed), match, nearest, &text_pos);
    add_message_line(header, text);
    return true;
}

void header_read_blank(struct header *header)
{
    add_message_line(header, str_of(""));
}

/* --- the end --- */

static void join_message(struct header *header)
{
    struct str_list lines = header->message;
    struct str_list doc = { 0 };

    while (lines.count > 0 && lines.items[lines.count - 1][0] == '\0')
        lines.count--;
    while (lines.count > 0 && lines.items[0][0] == '\0') {
        lines.items++;
        lines.count--;
    }
    for (size_t i = 0; i < lines.count && lines.items[i][0] != '\0'; i++) {
        struct str line = str_trim(str_of(lines.items[i]));

        str_list_add(&doc, header->arena, copy(header, line));
    }
    header->script->message = str_list_join(&lines, "\n", header->arena);
    header->script->doc = doc.count > 0 ? str_list_join(&doc, " ", header->arena) : "empty message";
}

bool header_finish(struct header *header)
{
    struct script *script = header->script;
    struct source_pos pos = { .file = script->path, .line = 1, .column = 1 };

    join_message(header);
    script->id_line = header->word_lines[HEADER_REVISION_ID];
    script->revises_line = header->word_lines[HEADER_REVISES];
    script->depends_on_line = header->word_lines[HEADER_DEPENDS_ON];
    script->labels_line = header->word_lines[HEADER_BRANCH_LABELS];
    if (script->id == NULL) {
        error_set(header->err, ERR_SCRIPT_INVALID, "script has no Revision ID");
        error_hint(header->err, "Write \"-- Revision ID: <id>\" above the marker -- migrate:up.");
        return error_at(header->err, &pos);
    }
    return true;
}

/* --- markers --- */

static struct str skip_spaces(struct str text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = str_sub(text, 1, text.len);
    return text;
}

static bool begins_nocase(struct str text, const char *word)
{
    size_t len = strlen(word);

    return text.len >= len && strncasecmp(text.ptr, word, len) == 0 &&
           (text.len == len || !is_letter_or_digit(text.ptr[len]));
}

enum marker marker_of(struct str line)
{
    struct str text = trim_end(line);

    if (str_is(text, "-- migrate:up"))
        return MARKER_UP;
    if (str_is(text, "-- migrate:down"))
        return MARKER_DOWN;
    if (str_starts_with(text, "-- migrate:") && text.len > strlen("-- migrate:") &&
        text.ptr[strlen("-- migrate:")] != ' ')
        return MARKER_ODD;
    text = skip_spaces(text);
    if (!str_starts_with(text, "--"))
        return MARKER_NONE;
    text = skip_spaces(str_sub(text, 2, text.len));
    if (!begins_nocase(text, "migrate"))
        return MARKER_NONE;
    text = skip_spaces(str_sub(text, strlen("migrate"), text.len));
    if (!str_starts_with(text, ":"))
        return MARKER_NONE;
    text = skip_spaces(str_sub(text, 1, text.len));
    return begins_nocase(text, "up") || begins_nocase(text, "down") ? MARKER_ODD : MARKER_NONE;
}
