/*
 * test_questions.c - each question to a daemon is a request of openapi.yaml, and a new script is
 * asked for with what was said of it.
 */
#include "tests/unit/unit.h"

#include "cli/remote.h"
#include "tests/cli/fake.h"

#include <stdlib.h>
#include <string.h>

/* ---- Questions ---- */

static struct transport open_to(const struct options *options, struct arena *arena)
{
    struct transport transport = { .data = NULL };
    struct error err = { 0 };

    assert_true(remote_open(options, arena, &transport, &err));
    return transport;
}

/* Asks, and asserts what the answer is as compact JSON. */
static void expect_answer(const struct fake_answer *answers, size_t count,
                          const struct question *question, const char *expected)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct fake *fake = fake_start(answers, count);
    struct options options = { .socket = fake_socket(fake) };
    struct transport transport = open_to(&options, &arena);
    struct error err = { 0 };
    json_t *answer = NULL;
    char *text = NULL;

    if (!transport.ask(transport.data, question, &answer, &err))
        fail_msg("%s", err.detail);
    text = json_dumps(answer, JSON_COMPACT);
    assert_string_equal(text, expected);
    free(text);
    json_decref(answer);
    transport_close(&transport);
    free(fake_end(fake));
}

static void a_question_is_a_request_of_the_contract(void **state)
{
    static const struct {
        struct question question;
        struct fake_answer answer;
        const char *expected;
    } cases[] = {
        { { .kind = ASK_BRANCHES }, { "GET /branches HTTP", .body = "{}" }, "{}" },
        { { .kind = ASK_CHECK }, { "GET /check HTTP", .body = "{'ok': true}" }, "{\"ok\":true}" },
        { { .kind = ASK_HEADS }, { "GET /heads HTTP", .body = "{}" }, "{}" },
        { { .kind = ASK_HEADS, .resolves_dependencies = true },
          { "GET /heads?resolve_dependencies=true HTTP", .body = "{}" },
          "{}" },
        { { .kind = ASK_SQL, .verb = VERB_UPGRADE, .text = "a:head" },
          { "GET /sql?verb=upgrade&range=a%3Ahead HTTP", .body = "BEGIN;\n" },
          "{\"sql\":\"BEGIN;\\n\"}" },
        { { .kind = ASK_SQL,
            .verb = VERB_STAMP,
            .text = "head",
            .has_transaction = true,
            .transaction = TRANSACTION_REVISION },
          { "GET /sql?verb=stamp&range=head&transaction=revision HTTP", .body = "" },
          "{\"sql\":\"\"}" },
        { { .kind = ASK_REVISIONS, .text = "base" }, { .request = NULL }, "{\"revisions\":[]}" },
        { { .kind = ASK_REVISIONS, .text = "head" },
          { "GET /revisions/head HTTP", .body = "{'id': 'a'}" },
          "{\"revisions\":[{\"id\":\"a\"}]}" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        expect_answer(&cases[i].answer, cases[i].answer.request != NULL, &cases[i].question,
                      cases[i].expected);
}

static void a_name_of_several_revisions_is_asked_for_one_by_one(void **state)
{
    static const struct fake_answer heads[] = {
        { "GET /heads HTTP", .body = "{'heads': [{'id': 'a'}, {'id': 'b'}]}" },
        { "GET /revisions/a HTTP", .body = "{'id': 'a'}" },
        { "GET /revisions/b HTTP", .body = "{'id': 'b'}" },
    };
    static const struct fake_answer current[] = {
        { "GET /current HTTP", .body = "{'revisions': ['c']}" },
        { "GET /revisions/c HTTP", .body = "{'id': 'c'}" },
    };
    const struct question of_heads = { .kind = ASK_REVISIONS, .text = "heads" };
    const struct question of_current = { .kind = ASK_REVISIONS, .text = "current" };

    (void) state;
    expect_answer(heads, ARRAY_SIZE(heads), &of_heads,
                  "{\"revisions\":[{\"id\":\"a\"},{\"id\":\"b\"}]}");
    expect_answer(current, ARRAY_SIZE(current), &of_current, "{\"revisions\":[{\"id\":\"c\"}]}");
}

static void text_that_is_refused_is_a_problem_all_the_same(void **state)
{
    static const struct fake_answer answer = { "GET /sql", .status = 400,
                                               .body =
                                                   "{'code': 'target-invalid', 'detail': '?'}" };
    struct arena arena cleanup(arena_release) = { 0 };
    struct fake *fake = fake_start(&answer, 1);
    struct options options = { .socket = fake_socket(fake) };
    struct transport transport = open_to(&options, &arena);
    struct question question = { .kind = ASK_SQL, .verb = VERB_DOWNGRADE, .text = "-1" };
    struct error err = { 0 };
    json_t *sql = NULL;

    (void) state;
    assert_false(transport.ask(transport.data, &question, &sql, &err));
    assert_int_equal(err.code, ERR_TARGET_INVALID);
    transport_close(&transport);
    free(fake_end(fake));
}

/* ---- New scripts ---- */

/* Writes, and asserts what was sent as body. */
static void expect_written(const char *path, const struct revision_request *request,
                           const struct str_list *merged, const char *body)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const struct fake_answer answer = { path, .status = 201, .body = "{'id': 'a', 'path': 'p'}" };
    struct fake *fake = fake_start(&answer, 1);
    struct options options = { .socket = fake_socket(fake) };
    struct transport transport = open_to(&options, &arena);
    struct error err = { 0 };
    json_t *written = NULL;
    char *sent = NULL;

    assert_true(transport.write(transport.data, request, merged, &written, &err));
    assert_string_equal(json_string_value(json_object_get(written, "path")), "p");
    json_decref(written);
    transport_close(&transport);
    sent = fake_end(fake);
    if (strstr(sent, body) == NULL)
        fail_msg("%s has no %s", sent, body);
    free(sent);
}

static void a_new_script_is_asked_for_with_what_was_said(void **state)
{
    static const char *names[] = { "a", "b" };
    const struct str_list both = { names, 2, 2 };
    const struct revision_request plain = { .message = "why" };
    const struct revision_request full = {
        .message = "why",
        .id = "c",
        .head = "a",
        .splice = true,
        .labels = { names, 1, 1 },
        .depends_on = { names + 1, 1, 1 },
        .version_path = "v",
    };

    (void) state;
    expect_written("POST /revisions HTTP", &plain, NULL, "\r\n\r\n{\"message\":\"why\"}");
    expect_written("POST /revisions HTTP", &full, NULL,
                   "{\"message\":\"why\",\"rev_id\":\"c\",\"head\":\"a\",\"splice\":true,"
                   "\"branch_labels\":[\"a\"],\"depends_on\":[\"b\"],\"version_path\":\"v\"}");
    expect_written("POST /merge HTTP", &plain, &both,
                   "{\"revisions\":[\"a\",\"b\"],\"message\":\"why\"}");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_a_request_of_the_contract),
        cmocka_unit_test(a_name_of_several_revisions_is_asked_for_one_by_one),
        cmocka_unit_test(text_that_is_refused_is_a_problem_all_the_same),
        cmocka_unit_test(a_new_script_is_asked_for_with_what_was_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
