/*
 * test_json_read.c - answers are read without surprise, and a problem becomes the error it was.
 */
#include "tests/unit/unit.h"

#include "api/json.h"
#include "cli/json_read.h"

static void what_is_missing_or_odd_is_empty(void **state)
{
    json_t *json = json_pack("{s:s, s:i, s:f, s:b, s:n, s:[s]}", "text", "abc", "int", 7, "real",
                             7.9, "truth", 1, "null", "list", "x");

    (void) state;
    assert_string_equal(json_text(json, "text"), "abc");
    assert_string_equal(json_text(json, "int"), "");
    assert_string_equal(json_text(json, "absent"), "");
    assert_string_equal(json_text(NULL, "text"), "");
    assert_int_equal(json_number(json, "int"), 7);
    assert_int_equal(json_number(json, "real"), 7);
    assert_int_equal(json_number(json, "text"), 0);
    assert_int_equal(json_number(NULL, "int"), 0);
    assert_true(json_truth(json, "truth"));
    assert_false(json_truth(json, "int"));
    assert_true(json_has(json, "list"));
    assert_false(json_has(json, "null"));
    assert_false(json_has(NULL, "list"));
    json_decref(json);
}

static void a_problem_becomes_the_error_it_was(void **state)
{
    struct source_pos pos = { .file = "versions/c7f8a9b0d1e2_job_queue.sql",
                              .line = 12,
                              .column = 5 };
    struct error err = { 0 };
    struct error again = { 0 };
    json_t *problem = NULL;

    (void) state;
    error_set(&err, ERR_STATEMENT_FAILED, "table \"job_queue\" already exists");
    error_at(&err, &pos);
    error_of_revision(&err, "c7f8a9b0d1e2");
    error_of_statement(&err, "CREATE TABLE job_queue (x)", 26);
    error_hint(&err, "Drop it first.");
    err.sqlite_code = 1;
    problem = json_of_error(&err);
    error_of_json(problem, &again);
    assert_memory_equal(&err, &again, sizeof(err));
    json_decref(problem);
}

static void what_is_no_problem_document_is_internal(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"code\": \"no-such-code\", \"detail\": \"x\"}",
        "{\"code\": \"ok\"}",
        "{\"code\": 7}",
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        json_t *json = json_loads(texts[i], 0, NULL);
        struct error err = { 0 };

        error_of_json(json, &err);
        assert_int_equal(err.code, ERR_INTERNAL);
        json_decref(json);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_or_odd_is_empty),
        cmocka_unit_test(a_problem_becomes_the_error_it_was),
        cmocka_unit_test(what_is_no_problem_document_is_internal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
