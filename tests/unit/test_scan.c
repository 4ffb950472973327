/*
 * test_scan.c - where statements begin and end, and what is refused for what SQLite would silently
 * not do.
 */
#include "tests/unit/unit.h"

#include "migrations/scan.h"

#include <string.h>

struct fixture {
    struct arena arena;
    struct error err;
};

static struct source_pos start = { "a.sql", 1, 1 };

static struct str bytes(const char *text, size_t len)
{
    return (struct str){ text, len };
}

/* Statements as "line:column text" with '|' between them. */
static const char *cut(struct fixture *fixture, const char *sql)
{
    struct statements found = { 0 };
    struct str_list texts = { 0 };

    fixture->err = (struct error){ 0 };
    if (!scan_statements(str_of(sql), &start, &fixture->arena, &found, &fixture->err))
        return arena_printf(&fixture->arena, "error %u:%u %s", fixture->err.line,
                            fixture->err.column, fixture->err.detail);
    for (size_t i = 0; i < found.count; i++)
        str_list_add(&texts, &fixture->arena,
                     arena_printf(&fixture->arena, "%u:%u " STR_FORMAT, found.items[i].line,
                                  found.items[i].column, STR_ARGS(found.items[i].sql)));
    return str_list_join(&texts, "|", &fixture->arena);
}

struct cut_case {
    const char *sql;
    const char *cut;
};

static void expect_cuts(const struct cut_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fixture fixture = { 0 };

        assert_string_equal(cut(&fixture, cases[i].sql), cases[i].cut);
        arena_release(&fixture.arena);
    }
}

static void statements_end_at_semicolons(void **state)
{
    static const struct cut_case cases[] = {
        { "", "" },
        { " \n\t;; -- nothing\n/* at all */;", "" },
        { "SELECT 1", "1:1 SELECT 1" },
        { "SELECT 1;SELECT 2;", "1:1 SELECT 1|1:10 SELECT 2" },
        { "\n  SELECT 1 ;\n\nSELECT\n 2", "2:3 SELECT 1|4:1 SELECT\n 2" },
        { "-- first\nSELECT 1 -- one\n; /* two */ SELECT 2 /* end */ ;",
          "2:1 SELECT 1|3:13 SELECT 2" },
        { "A;\r\nB;\r\n", "1:1 A|2:1 B" },
        { "\xc3\xa4 = 1; b", "1:1 \xc3\xa4 = 1|1:9 b" },
    };

    (void) state;
    expect_cuts(cases, ARRAY_SIZE(cases));
}

static void quotes_and_comments_hide_semicolons(void **state)
{
    static const struct cut_case cases[] = {
        { "SELECT ';', 'it''s; ', '';x", "1:1 SELECT ';', 'it''s; ', ''|1:27 x" },
        { "SELECT \"a;\"\"b\", `c;``d`, [e;f]; x",
          "1:1 SELECT \"a;\"\"b\", `c;``d`, [e;f]|1:33 x" },
        { "SELECT 1 -- ; '\n+ 2; x", "1:1 SELECT 1 -- ; '\n+ 2|2:6 x" },
        { "SELECT /* ; ' */ 1; x", "1:1 SELECT /* ; ' */ 1|1:21 x" },
        { "SELECT /*/ ; */ 1; x", "1:1 SELECT /*/ ; */ 1|1:20 x" },
        { "SELECT x'00;' ; x", "1:1 SELECT x'00;'|1:17 x" },
        { "SELECT a->'$.b;', a->>'c' - -1; x", "1:1 SELECT a->'$.b;', a->>'c' - -1|1:33 x" },
        { "SELECT 'a\n;\nb'; x", "1:1 SELECT 'a\n;\nb'|3:5 x" },
    };

    (void) state;
    expect_cuts(cases, ARRAY_SIZE(cases));
}

static void triggers_hold_statements(void **state)
{
    static const struct cut_case cases[] = {
        { "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END; x",
          "1:1 CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END|1:67 x" },
        { "create temp trigger t begin select case when 1 then 2 end; end ; x",
          "1:1 create temp trigger t begin select case when 1 then 2 end; end|1:66 x" },
        { "CREATE /**/ TEMPORARY TRIGGER t BEGIN UPDATE a SET b = CASE c WHEN 1 THEN CASE d WHEN 2 "
          "THEN 3 "
          "END ELSE ';' END; END; x",
          "1:1 CREATE /**/ TEMPORARY TRIGGER t BEGIN UPDATE a SET b = CASE c WHEN 1 THEN CASE d "
          "WHEN 2 "
          "THEN 3 END ELSE ';' END; END|1:119 x" },
        { "CREATE TRIGGER t BEGIN SELECT 1; -- END;\n END",
          "1:1 CREATE TRIGGER t BEGIN SELECT 1; -- END;\n END" },
        { "CREATE TRIGGER t BEGIN SELECT \"end\" FROM b; END; x",
          "1:1 CREATE TRIGGER t BEGIN SELECT \"end\" FROM b; END|1:50 x" },
        /* BEGIN and END mean something in triggers only. */
        { "BEGIN; SELECT 1; END; x", "1:1 BEGIN|1:8 SELECT 1|1:18 END|1:23 x" },
        { "CREATE TABLE begin (a); SELECT 1; END",
          "1:1 CREATE TABLE begin (a)|1:25 SELECT 1|1:35 END" },
        { "CREATE TABLE trigger_log (a); x", "1:1 CREATE TABLE trigger_log (a)|1:31 x" },
        { "CREATE TRIGGER t; x", "1:1 CREATE TRIGGER t|1:19 x" },
    };

    (void) state;
    expect_cuts(cases, ARRAY_SIZE(cases));
}

static void what_sqlite_would_not_do_is_refused(void **state)
{
    static const struct cut_case cases[] = {
        { "SELECT 1;\n SELECT 'abc;\n", "error 2:9 string is not terminated" },
        { "SELECT 'it''s", "error 1:8 string is not terminated" },
        { "SELECT \"abc", "error 1:8 quoted identifier is not terminated" },
        { "SELECT `abc", "error 1:8 quoted identifier is not terminated" },
        { "SELECT [abc", "error 1:8 quoted identifier is not terminated" },
        { "SELECT x'00", "error 1:8 blob is not terminated" },
        { "SELECT 1; /* SELECT 2;", "error 1:11 comment is not terminated" },
        { "SELECT 1 /*/", "error 1:10 comment is not terminated" },
        { "/* a /* b */ c */ SELECT 1", "error 1:16 end of a comment without its beginning" },
        { "SELECT ?", "error 1:8 bound parameter \"?\" has no value" },
        { "SELECT\n ?12+1", "error 2:2 bound parameter \"?12\" has no value" },
        { "SELECT a=:name", "error 1:10 bound parameter \":name\" has no value" },
        { "SELECT @name", "error 1:8 bound parameter \"@name\" has no value" },
        { "SELECT $a::b(c d)", "error 1:8 bound parameter \"$a::b\" has no value" },
        { "SELECT $a::b(c)", "error 1:8 bound parameter \"$a::b(c)\" has no value" },
        { "x; EXPLAIN QUERY PLAN SELECT 1",
          "error 1:4 statement starts with EXPLAIN and would do nothing" },
        { " explain select 1", "error 1:2 statement starts with EXPLAIN and would do nothing" },
        { "x;\nCREATE TRIGGER t BEGIN SELECT CASE 1 WHEN 1 THEN 2 END;",
          "error 2:1 trigger body has no END" },
    };

    (void) state;
    expect_cuts(cases, ARRAY_SIZE(cases));
}

static void names_that_look_like_parameters_are_none(void **state)
{
    static const struct cut_case cases[] = {
        { "SELECT ':a', \"@b\", [?], a$b", "1:1 SELECT ':a', \"@b\", [?], a$b" },
        { "SELECT EXPLAIN FROM \"EXPLAIN\"", "1:1 SELECT EXPLAIN FROM \"EXPLAIN\"" },
    };

    (void) state;
    expect_cuts(cases, ARRAY_SIZE(cases));
}

static void a_refusal_names_file_code_and_a_way_out(void **state)
{
    struct fixture fixture = { 0 };

    (void) state;
    cut(&fixture, "SELECT :a");
    assert_int_equal(fixture.err.code, ERR_SCRIPT_INVALID);
    assert_string_equal(fixture.err.file, "a.sql");
    assert_non_null(strstr(fixture.err.hint, "write the value itself"));
    cut(&fixture, "SELECT [a");
    assert_non_null(strstr(fixture.err.hint, "Close it with ]"));
    arena_release(&fixture.arena);
}

static void a_nul_is_refused_where_it_stands(void **state)
{
    struct fixture fixture = { 0 };
    struct statements found = { 0 };

    (void) state;
    assert_false(scan_statements(bytes("SELECT 1;\n SELECT\0 2", 20), &start, &fixture.arena,
                                 &found, &fixture.err));
    assert_int_equal(fixture.err.code, ERR_SCRIPT_INVALID);
    assert_int_equal(fixture.err.line, 2);
    assert_int_equal(fixture.err.column, 8);
    arena_release(&fixture.arena);
}

static void places_count_from_the_given_start(void **state)
{
    struct fixture fixture = { 0 };
    struct source_pos middle = { "a.sql", 7, 5 };
    struct statements found = { 0 };

    (void) state;
    assert_true(scan_statements(str_of("a;\nb"), &middle, &fixture.arena, &found, &fixture.err));
    assert_int_equal(found.items[0].line, 7);
    assert_int_equal(found.items[0].column, 5);
    assert_int_equal(found.items[1].line, 8);
    assert_int_equal(found.items[1].column, 1);
    arena_release(&fixture.arena);
}

static bool is_dashes(struct str line)
{
    return str_starts_with(line, "-- stop");
}

static void scanning_stops_at_lines_outside_of_statements_only(void **state)
{
    static const struct {
        const char *sql;
        size_t end;
    } cases[] = {
        { "a;\n-- stop\nb", 3 },
        { "a\n-- stop\n;b", 12 },          /* inside a statement */
        { "a; -- stop\nb", 12 },           /* not at the start of its line */
        { "'\n-- stop\n';\n-- stop", 13 }, /* inside a string */
        { "-- stop", 0 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture fixture = { 0 };
        struct scan_part part = { .end = 99 };

        assert_true(scan_statements_until(str_of(cases[i].sql), &start, is_dashes, &fixture.arena,
                                          &part, &fixture.err));
        assert_int_equal(part.end, cases[i].end);
        arena_release(&fixture.arena);
    }
}

static void tokens_are_sqlites(void **state)
{
    static const struct {
        const char *text;
        enum token_kind kind;
    } tokens[] = {
        { "SELECT", TOKEN_WORD },    { "a$1", TOKEN_WORD },       { "1", TOKEN_NUMBER },
        { "1.5e-3", TOKEN_NUMBER },  { ".5", TOKEN_NUMBER },      { "0xfe", TOKEN_NUMBER },
        { "-", TOKEN_PUNCTUATION },  { "1e5", TOKEN_NUMBER },     { "->>", TOKEN_PUNCTUATION },
        { "->", TOKEN_PUNCTUATION }, { "||", TOKEN_PUNCTUATION }, { "<>", TOKEN_PUNCTUATION },
        { "(", TOKEN_PUNCTUATION },  { "x'00'", TOKEN_BLOB },     { "'a'", TOKEN_STRING },
        { "\"a b\"", TOKEN_QUOTED }, { "[a b]", TOKEN_QUOTED },   { "`a`", TOKEN_QUOTED },
        { ".", TOKEN_PUNCTUATION },  { "?1", TOKEN_PARAMETER },   { "\xc3\xa4", TOKEN_WORD },
        { "", TOKEN_END },
    };
    struct str rest =
        str_of("SELECT a$1 1 1.5e-3 .5 0xfe-1e5->> -> ||<>(x'00''a'/*c*/\"a b\"[a b]`a`. ?1 "
               "\xc3\xa4 -- end");

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
        struct token token = scan_token(&rest);

        assert_true(str_is(token.text, tokens[i].text));
        assert_int_equal(token.kind, tokens[i].kind);
    }
}

static void names_lose_their_quotes(void **state)
{
    static const char *const names[][2] = {
        { "users", "users" },      { "\"us\"\"ers\"", "us\"ers" }, { "[us ers]", "us ers" },
        { "`us``ers`", "us`ers" }, { "'us''ers'", "us'ers" },      { "\"\"", "" },
    };
    struct arena arena = { 0 };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct str rest = str_of(names[i][0]);
        struct token token = scan_token(&rest);

        assert_string_equal(token_name(&token, &arena), names[i][1]);
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_end_at_semicolons),
        cmocka_unit_test(quotes_and_comments_hide_semicolons),
        cmocka_unit_test(triggers_hold_statements),
        cmocka_unit_test(what_sqlite_would_not_do_is_refused),
        cmocka_unit_test(names_that_look_like_parameters_are_none),
        cmocka_unit_test(a_refusal_names_file_code_and_a_way_out),
        cmocka_unit_test(a_nul_is_refused_where_it_stands),
        cmocka_unit_test(places_count_from_the_given_start),
        cmocka_unit_test(scanning_stops_at_lines_outside_of_statements_only),
        cmocka_unit_test(tokens_are_sqlites),
        cmocka_unit_test(names_lose_their_quotes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
