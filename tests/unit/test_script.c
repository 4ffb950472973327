/*
 * test_script.c - scripts read, refused, written.
 *
 * Malformed ones are files: data/scripts/invalid/<case>.sql, and <case>.expected with "line:column
 * code", part of the message, and part of the hint on one line each.
 */
#include "tests/unit/unit.h"

#include "base/file.h"
#include "migrations/script.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define INVALID_DIRECTORY  "tests/unit/data/scripts/invalid"
#define VERSIONS_DIRECTORY "migrations/versions"
#define FILES_MAX          128

static struct script *parse(const char *text, struct arena *arena)
{
    struct script *script = NULL;
    struct error err = { 0 };

    if (!script_parse(str_of(text), "a.sql", arena, &script, &err))
        fail_msg("%u:%u %s", err.line, err.column, err.detail);
    return script;
}

static const char *const full = "-- Add preferences: per user\n"
                                "-- and per device\n"
                                "--\n"
                                "-- More about it.\n"
                                "--\n"
                                "-- Revision ID: 5e8c83c1a2b3\n"
                                "-- Revises: c7f8a9b0d1e2, v0.9.0.a\n"
                                "-- Create Date: 2026-11-20 15:03:04.806509\n"
                                "-- Branch Labels: quetz-tos, prefs\n"
                                "-- Depends On: other\n"
                                "-- Foreign Keys: on\n"
                                "-- Requires Empty: users, posts\n"
                                "-- a free comment, see https://sqlite.org\n"
                                "\n"
                                "-- migrate:up\n"
                                "CREATE TABLE p (a);\n"
                                "\n"
                                "  CREATE INDEX i ON p (a);\n"
                                "-- migrate:down\n"
                                "DROP TABLE p;\n";

static void everything_a_script_says_is_read(void **state)
{
    struct arena arena = { 0 };
    struct script *script = parse(full, &arena);

    (void) state;
    assert_string_equal(script->path, "a.sql");
    assert_string_equal(script->id, "5e8c83c1a2b3");
    assert_string_equal(script->message,
                        "Add preferences: per user\nand per device\n\nMore about it.");
    assert_string_equal(script->doc, "Add preferences: per user and per device");
    assert_string_equal(script->create_date, "2026-11-20 15:03:04.806509");
    assert_string_equal(str_list_join(&script->revises, "|", &arena), "c7f8a9b0d1e2|v0.9.0.a");
    assert_string_equal(str_list_join(&script->labels, "|", &arena), "quetz-tos|prefs");
    assert_string_equal(str_list_join(&script->depends_on, "|", &arena), "other");
    assert_string_equal(str_list_join(&script->requires_empty, "|", &arena), "users|posts");
    assert_true(script->foreign_keys_on);
    assert_false(script->transaction_none);
    assert_null(script->irreversible);
    assert_int_equal(script->id_line, 6);
    assert_int_equal(script->revises_line, 7);
    assert_int_equal(script->labels_line, 9);
    assert_int_equal(script->depends_on_line, 10);
    assert_int_equal(script->up.count, 2);
    assert_int_equal(script->up.items[1].line, 18);
    assert_int_equal(script->up.items[1].column, 3);
    assert_int_equal(script->down.count, 1);
    assert_int_equal(script->down.items[0].line, 20);
    assert_true(str_is(script->down_text, "DROP TABLE p;\n"));
    assert_true(str_starts_with(script->up_text, "CREATE TABLE p"));
    arena_release(&arena);
}

static void the_hash_is_of_the_bytes_of_the_file(void **state)
{
    struct arena arena = { 0 };
    char hex[DIGEST_HEX_SIZE];

    (void) state;
    digest_sha256_hex(full, strlen(full), hex);
    assert_string_equal(parse(full, &arena)->sha256, hex);
    arena_release(&arena);
}

static void the_least_script_is_an_id_and_two_markers(void **state)
{
    struct arena arena = { 0 };
    struct script *script = parse("-- Revision ID: a\n-- migrate:up\n-- migrate:down", &arena);

    (void) state;
    assert_string_equal(script->message, "");
    assert_string_equal(script->doc, "empty message");
    assert_null(script->create_date);
    assert_int_equal(script->revises.count + script->labels.count + script->depends_on.count, 0);
    assert_int_equal(script->up.count + script->down.count, 0);
    arena_release(&arena);
}

static void line_ends_and_byte_order_marks_do_not_matter(void **state)
{
    struct arena arena = { 0 };
    struct script *script = parse("\xef\xbb\xbf-- m\r\n-- Revision ID: a\r\n-- Revises: b\r\n\r\n"
                                  "-- migrate:up\r\nA;\r\n  B\r\n;\r\n-- migrate:down\r\nC",
                                  &arena);

    (void) state;
    assert_string_equal(script->message, "m");
    assert_string_equal(script->id, "a");
    assert_string_equal(script->revises.items[0], "b");
    assert_int_equal(script->up.count, 2);
    assert_int_equal(script->up.items[1].line, 7);
    assert_int_equal(script->up.items[1].column, 3);
    assert_true(str_is(script->up.items[1].sql, "B"));
    assert_true(str_is(script->down.items[0].sql, "C"));
    arena_release(&arena);
}

static void markers_count_outside_of_statements_only(void **state)
{
    struct arena arena = { 0 };
    struct script *script =
        parse("-- Revision ID: a\n-- migrate:up\nINSERT INTO t VALUES ('\n-- migrate:down\n');\n"
              "SELECT 1 -- migrate:down\n;\n/*\n-- migrate:down\n*/\n"
              "CREATE TRIGGER t BEGIN SELECT 1;\n-- migrate:down\nEND;\n"
              "  -- migrate:down\n-- migrate:down\nD",
              &arena);

    (void) state;
    assert_int_equal(script->up.count, 3);
    assert_int_equal(script->down.count, 1);
    assert_int_equal(script->down.items[0].line, 16);
    arena_release(&arena);
}

static void header_words_that_change_a_run(void **state)
{
    struct arena arena = { 0 };
    struct script *script =
        parse("-- Revision ID: a\n-- Transaction: none\n-- Irreversible: it shrinks: for good\n"
              "-- migrate:up\nVACUUM;\n-- migrate:down\n",
              &arena);

    (void) state;
    assert_true(script->transaction_none);
    assert_string_equal(script->irreversible, "it shrinks: for good");
    script =
        parse("-- Revision ID: a\n-- Foreign Keys: off\n-- migrate:up\n-- migrate:down\n", &arena);
    assert_false(script->foreign_keys_on);
    arena_release(&arena);
}

static void messages_may_look_like_headers_of_others(void **state)
{
    static const char *const messages[] = {
        "Fix: the bug",
        "Initial schema: users, posts, sessions, chat_messages, oauth_tokens",
        "Note: nothing\nSigned-off-by: nobody",
        "migrate the users: all of them",
        "Create Table: posts",
        "  indented\n\tby a tab",
    };
    struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        struct str_list lines = { 0 };
        struct str rest = str_of(messages[i]);

        while (rest.len > 0) {
            size_t end = str_find_char(rest, '\n', 0);

            str_list_add(&lines, &arena,
                         arena_printf(&arena, "-- " STR_FORMAT "\n",
                                      STR_ARGS(str_sub(rest, 0, end))));
            rest = str_sub(rest, end + 1, rest.len);
        }
        str_list_add(&lines, &arena, "-- Revision ID: a\n-- migrate:up\n-- migrate:down\n");
        assert_string_equal(parse(str_list_join(&lines, "", &arena), &arena)->message, messages[i]);
    }
    arena_release(&arena);
}

static void a_backslash_makes_a_line_part_of_the_message(void **state)
{
    struct arena arena = { 0 };
    struct script *script =
        parse("-- \\Revision ID: b\n-- \\migrate:up\n-- \\\\x\n-- Revision ID: a\n"
              "-- migrate:up\n-- migrate:down\n",
              &arena);

    (void) state;
    assert_string_equal(script->id, "a");
    assert_string_equal(script->message, "Revision ID: b\nmigrate:up\n\\x");
    arena_release(&arena);
}

static void comments_may_stand_around_the_header(void **state)
{
    struct arena arena = { 0 };
    struct script *script =
        parse("/* a licence,\n-- migrate:up\n */\n\n-- m\n\n  -- Revision ID: a\n"
              "-- the rest follows\n/* c */\n-- migrate:up\n-- migrate:down\n",
              &arena);

    (void) state;
    assert_string_equal(script->id, "a");
    assert_string_equal(script->message, "m");
    assert_int_equal(script->id_line, 7);
    arena_release(&arena);
}

/* --- malformed ones --- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Names in a directory that end so, sorted. */
static size_t list_directory(const char *path, const char *suffix, struct arena *arena,
                             char **names)
{
    DIR *directory = opendir(path);
    const struct dirent *entry = NULL;
    size_t count = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL && count < FILES_MAX) {
        if (str_ends_with(str_of(entry->d_name), suffix))
            names[count++] = arena_strdup(arena, entry->d_name);
    }
    closedir(directory);
    qsort(names, count, sizeof(*names), compare_names);
    return count;
}

static struct str read_file(const char *path, struct arena *arena)
{
    struct str bytes = { 0 };
    struct error err = { 0 };

    if (!file_read(AT_FDCWD, path, SCRIPT_BYTES_MAX, arena, &bytes, &err))
        fail_msg("%s", err.detail);
    return bytes;
}

static bool contains(const char *text, struct str part)
{
    return memmem(text, strlen(text), part.ptr, part.len) != NULL;
}

static void expect_refusal(const char *name, struct arena *arena)
{
    const char *path = arena_printf(arena, "%s/%s", INVALID_DIRECTORY, name);
    struct str expected =
        read_file(arena_printf(arena, "%.*s.expected", (int) strlen(path) - 4, path), arena);
    size_t first = str_find_char(expected, '\n', 0);
    size_t second = str_find_char(expected, '\n', first + 1);
    struct script *script = NULL;
    struct error err = { 0 };
    const char *place = NULL;

    if (script_parse(read_file(path, arena), name, arena, &script, &err))
        fail_msg("%s: was accepted", name);
    place = arena_printf(arena, "%u:%u %s", err.line, err.column, error_slug(err.code));
    if (!str_is(str_sub(expected, 0, first), place) || strcmp(err.file, name) != 0 ||
        !contains(err.detail, str_sub(expected, first + 1, second)) ||
        !contains(err.hint, str_trim(str_sub(expected, second, expected.len))))
        fail_msg("%s: %s\n%s\n%s", name, place, err.detail, err.hint);
    assert_true(err.hint[0] != '\0');
}

static void malformed_scripts_are_refused_with_place_and_hint(void **state)
{
    struct arena arena = { 0 };
    char *names[FILES_MAX] = { 0 };
    size_t count = list_directory(INVALID_DIRECTORY, ".sql", &arena, names);

    (void) state;
    assert_true(count >= 30);
    for (size_t i = 0; i < count; i++)
        expect_refusal(names[i], &arena);
    arena_release(&arena);
}

static void an_error_names_the_revision_when_it_is_known(void **state)
{
    struct arena arena = { 0 };
    struct script *script = NULL;
    struct error err = { 0 };

    (void) state;
    assert_false(script_parse(str_of("-- Revision ID: a\n-- migrate:up\n'"), "a.sql", &arena,
                              &script, &err));
    assert_string_equal(err.revision, "a");
    assert_int_equal(err.line, 3);
    assert_null(script);
    arena_release(&arena);
}

static void a_script_has_a_size_limit(void **state)
{
    struct arena arena = { 0 };
    struct script *script = NULL;
    struct error err = { 0 };
    struct str bytes = { arena_alloc(&arena, SCRIPT_BYTES_MAX + 1), SCRIPT_BYTES_MAX + 1 };

    (void) state;
    assert_false(script_parse(bytes, "big.sql", &arena, &script, &err));
    assert_int_equal(err.code, ERR_SCRIPT_INVALID);
    assert_non_null(strstr(err.detail, "larger than 16777216 bytes"));
    arena_release(&arena);
}

static void our_own_scripts_are_well_formed_and_well_named(void **state)
{
    struct arena arena = { 0 };
    char *names[FILES_MAX] = { 0 };
    size_t count = list_directory(VERSIONS_DIRECTORY, ".sql", &arena, names);

    (void) state;
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        struct str bytes =
            read_file(arena_printf(&arena, VERSIONS_DIRECTORY "/%s", names[i]), &arena);
        struct script *script = NULL;
        struct error err = { 0 };

        if (!script_parse(bytes, names[i], &arena, &script, &err))
            fail_msg("%s: %s", names[i], err.detail);
        assert_true(script->up.count > 0 && script->down.count > 0);
    }
    arena_release(&arena);
}

/* --- writing --- */

static void a_new_script_looks_like_this(void **state)
{
    struct arena arena = { 0 };
    struct script_header header = { .id = "5e8c83c1a2b3",
                                    .message = "Add user preferences table",
                                    .create_date = "2026-11-20 15:03:04.806509" };

    (void) state;
    str_list_add(&header.revises, &arena, "c7f8a9b0d1e2");
    assert_string_equal(script_format(&header, &arena),
                        "-- Add user preferences table\n"
                        "--\n"
                        "-- Revision ID: 5e8c83c1a2b3\n"
                        "-- Revises: c7f8a9b0d1e2\n"
                        "-- Create Date: 2026-11-20 15:03:04.806509\n"
                        "\n"
                        "-- migrate:up\n"
                        "\n"
                        "-- migrate:down\n");
    arena_release(&arena);
}

static void any_message_is_read_back_as_it_was_written(void **state)
{
    static const struct {
        const char *message;
        const char *back; /* NULL: the same */
    } cases[] = {
        { "", NULL },
        { NULL, "" },
        { "one line", NULL },
        { "two\nlines", NULL },
        { "a paragraph\n\nand another\n\n\nand one more", NULL },
        { "Revision ID: b", NULL },
        { "x\nRevises: y\nCreate Date: never\nBranch Labels: z\nDepends On:\nIrreversible: no",
          NULL },
        { "Revison ID: b", NULL },
        { "transactions: none", NULL },
        { "   Revision ID: b", NULL },
        { "migrate:up\nmigrate:down\nmigrate:sideways\nMigrate: Down, please", NULL },
        { "-- migrate:up\n--\n/* c */\n*/", NULL },
        { "\\\\ backslashes \\", NULL },
        { "\\Revision ID: b", NULL },
        { "tabs\tinside", NULL },
        { "\xc3\xbcn\xc3\xaf"
          "code \xf0\x9f\x98\x80",
          NULL },
        { "trailing  \nspace\t", "trailing\nspace" },
        { "\n\nempty lines\n\n\n", "empty lines" },
        { "windows\r\nlines\r\n", "windows\nlines" },
        { "control\x01s\x1b[0m\x7f.", "control s [0m ." },
        { "not \xff utf \xc3", "not ? utf ?" },
        { " \n\t\n", "" },
    };
    struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct script_header header = { .id = "a", .message = cases[i].message };
        struct script *script = parse(script_format(&header, &arena), &arena);

        assert_string_equal(script->message,
                            cases[i].back != NULL ? cases[i].back : cases[i].message);
        assert_string_equal(script->id, "a");
        assert_int_equal(script->revises.count, 0);
        assert_null(script->create_date);
    }
    arena_release(&arena);
}

/* The same every time, on every machine. */
static unsigned draw_lot(uint32_t *seed, unsigned count)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 16) % count;
}

/* Words that mean something in a script, between any bytes but NUL. */
static const char *random_message(uint32_t *seed, struct arena *arena)
{
    static const char *const words[] = { "Revises:",
                                         "Revision ID:",
                                         "Foreign Keys: off",
                                         "migrate:up",
                                         "-- migrate:down",
                                         "--",
                                         "\\",
                                         "\n",
                                         "\n\n",
                                         "\r\n",
                                         "\xc3\xbc",
                                         "\xf0\x9f\x98\x80",
                                         ":",
                                         " ",
                                         "\t",
                                         "/*",
                                         "*/",
                                         "'",
                                         "\"",
                                         ";" };
    char bytes[256] = "";
    size_t len = 0;

    for (unsigned left = draw_lot(seed, 24); left > 0; left--) {
        char byte[2] = { (char) (1 + draw_lot(seed, 255)), '\0' };
        const char *part = draw_lot(seed, 2) == 0 ? byte : words[draw_lot(seed, ARRAY_SIZE(words))];

        memcpy(bytes + len, part, strlen(part));
        len += strlen(part);
    }
    return arena_strndup(arena, bytes, len);
}

/* Whether a message is of those that the contract promises to give back byte for byte. */
static bool is_plain(const char *message)
{
    struct str rest = str_of(message);
    bool is_plain = str_is_utf8(rest);

    for (size_t i = 0; i < rest.len; i++)
        is_plain = is_plain && message[i] != 0x7f &&
                   ((unsigned char) message[i] >= ' ' || strchr("\n\t", message[i]) != NULL);
    for (size_t from = 0; from <= rest.len;) {
        size_t end = str_find_char(rest, '\n', from);

        if (end > from && strchr(" \t", rest.ptr[end - 1]) != NULL)
            is_plain = false;
        if (end == from && (from == 0 || end == rest.len) && rest.len > 0)
            is_plain = false;
        from = end + 1;
    }
    return is_plain;
}

static void random_messages_are_read_back_as_they_were_written(void **state)
{
    uint32_t seed = 8;
    unsigned plain = 0;

    (void) state;
    for (unsigned i = 0; i < 5000; i++) {
        struct arena arena = { 0 };
        struct script_header header = { .id = "a", .message = random_message(&seed, &arena) };
        struct script *script = parse(script_format(&header, &arena), &arena);
        const char *once = script->message;

        if (is_plain(header.message)) {
            plain++;
            assert_string_equal(once, header.message);
        }
        header.message = once;
        script = parse(script_format(&header, &arena), &arena);
        assert_string_equal(script->message, once);
        assert_string_equal(script->id, "a");
        assert_int_equal(script->revises.count + script->up.count + script->down.count, 0);
        arena_release(&arena);
    }
    assert_true(plain > 500);
}

static void sql_is_put_into_its_part(void **state)
{
    static const struct {
        const char *sql;
        const char *parts;
    } cases[] = {
        { NULL, "\n-- migrate:up\n\n-- migrate:down\n" },
        { " \n", "\n-- migrate:up\n\n-- migrate:down\n" },
        { "\nSELECT 1;\n\n", "\n-- migrate:up\nSELECT 1;\n\n-- migrate:down\n" },
        { "-- Foreign Keys: on\n-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n",
          "\n-- Foreign Keys: on\n-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n" },
    };
    struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct script_header header = { .id = "a", .sql = cases[i].sql };
        const char *text = script_format(&header, &arena);

        assert_string_equal(text, arena_printf(&arena, "-- Revision ID: a\n-- Revises:\n%s",
                                               cases[i].parts));
        parse(text, &arena);
    }
    arena_release(&arena);
}

static void lists_are_read_back_in_order(void **state)
{
    struct arena arena = { 0 };
    struct script_header header = { .id = "m", .message = "merge" };
    struct script *script = NULL;

    (void) state;
    str_list_add(&header.revises, &arena, "b");
    str_list_add(&header.revises, &arena, "a");
    str_list_add(&header.depends_on, &arena, "quetz-tos");
    str_list_add(&header.labels, &arena, "left");
    str_list_add(&header.labels, &arena, "x/y");
    script = parse(script_format(&header, &arena), &arena);
    assert_true(str_list_equal(&script->revises, &header.revises));
    assert_true(str_list_equal(&script->depends_on, &header.depends_on));
    assert_true(str_list_equal(&script->labels, &header.labels));
    arena_release(&arena);
}

static void ids_and_labels_have_their_characters(void **state)
{
    static const char *const ids[] = { "a", "9e9e70a4a06b", "v0.9.0.a", "A_1",
                                       "12345678901234567890123456789012" };
    static const char *const bad_ids[] = {
        "",         "a b",  "a-b",  "a@b",   "a+b",     "a:b",
        "\xc3\xa4", "head", "base", "heads", "current", "123456789012345678901234567890123"
    };
    static const char *const labels[] = { "left", "quetz-tos", "quetz-content_trust", "x/y", "v-1a",
                                          "1",    "\xc3\xa4" };
    static const char *const bad_labels[] = { "",    "a b",   "a@b", "a+1",  "a,b",
                                              "a:b", "lab-1", "-a",  "head", "base" };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        assert_true(revision_id_is_valid(ids[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad_ids); i++)
        assert_false(revision_id_is_valid(bad_ids[i]));
    for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
        assert_true(branch_label_is_valid(labels[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad_labels); i++)
        assert_false(branch_label_is_valid(bad_labels[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_a_script_says_is_read),
        cmocka_unit_test(the_hash_is_of_the_bytes_of_the_file),
        cmocka_unit_test(the_least_script_is_an_id_and_two_markers),
        cmocka_unit_test(line_ends_and_byte_order_marks_do_not_matter),
        cmocka_unit_test(markers_count_outside_of_statements_only),
        cmocka_unit_test(header_words_that_change_a_run),
        cmocka_unit_test(messages_may_look_like_headers_of_others),
        cmocka_unit_test(a_backslash_makes_a_line_part_of_the_message),
        cmocka_unit_test(comments_may_stand_around_the_header),
        cmocka_unit_test(malformed_scripts_are_refused_with_place_and_hint),
        cmocka_unit_test(an_error_names_the_revision_when_it_is_known),
        cmocka_unit_test(a_script_has_a_size_limit),
        cmocka_unit_test(our_own_scripts_are_well_formed_and_well_named),
        cmocka_unit_test(a_new_script_looks_like_this),
        cmocka_unit_test(any_message_is_read_back_as_it_was_written),
        cmocka_unit_test(random_messages_are_read_back_as_they_were_written),
        cmocka_unit_test(sql_is_put_into_its_part),
        cmocka_unit_test(lists_are_read_back_in_order),
        cmocka_unit_test(ids_and_labels_have_their_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
