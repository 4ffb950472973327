/*
 * test_params.c - arguments of a run, from a query and from a body: what they become, and what is
 * refused by name.
 */
#include "tests/unit/unit.h"

#include "api/params.h"

#include <string.h>

/* Everything that differs from an empty request, in one line. */
static const char *shown(const struct run_request *run, struct arena *arena)
{
    const char *text = verb_name(run->verb);

    if (run->target != NULL)
        text = arena_printf(arena, "%s target=%s", text, run->target);
    if (run->stamps.count > 0)
        text = arena_printf(arena, "%s stamps=%s", text, str_list_join(&run->stamps, ",", arena));
    if (run->purge)
        text = arena_printf(arena, "%s purge", text);
    if (run->has_transaction)
        text =
            arena_printf(arena, "%s transaction=%s", text, transaction_mode_name(run->transaction));
    if (run->has_backup)
        text = arena_printf(arena, "%s backup=%s", text, backup_policy_name(run->backup));
    if (run->has_expect)
        text = arena_printf(arena, "%s expect=[%s]", text, str_list_join(&run->expect, ",", arena));
    if (run->is_dry_run)
        text = arena_printf(arena, "%s dry_run", text);
    if (run->reason != NULL)
        text = arena_printf(arena, "%s reason=%s", text, run->reason);
    if (run->lock_timeout_ms != 0)
        text = arena_printf(arena, "%s lock_timeout_ms=%u", text, run->lock_timeout_ms);
    if (run->timeout_ms != 0)
        text = arena_printf(arena, "%s timeout_ms=%u", text, run->timeout_ms);
    return text;
}

static bool read_run(enum verb verb, const char *query, const char *body, struct arena *arena,
                     struct run_request *ret, struct error *err)
{
    struct uri uri;

    return uri_parse(arena_printf(arena, "/x?%s", query), arena, &uri, err) &&
           params_read_run(verb, &uri, str_of(body), arena, ret, err);
}

static void query_and_body_say_the_same(void **state)
{
    static const struct {
        enum verb verb;
        const char *query;
        const char *body;
        const char *shown;
    } rows[] = {
        { VERB_UPGRADE, "", "", "upgrade" },
        { VERB_UPGRADE, "", " \n", "upgrade" },
        { VERB_UPGRADE, "", "{}", "upgrade" },
        { VERB_UPGRADE, "target=head", "", "upgrade target=head" },
        { VERB_UPGRADE, "", "{\"target\":\"head\"}", "upgrade target=head" },
        { VERB_DOWNGRADE, "target=-1&reason=oops", "", "downgrade target=-1 reason=oops" },
        { VERB_DOWNGRADE, "target=-1", "{\"reason\":\"oops\"}", "downgrade target=-1 reason=oops" },
        { VERB_UPGRADE, "expect=bbb,aaa", "", "upgrade expect=[aaa,bbb]" },
        { VERB_UPGRADE, "", "{\"expect\":\"bbb, aaa\"}", "upgrade expect=[aaa,bbb]" },
        { VERB_UPGRADE, "", "{\"expect\":[\"bbb\",\"aaa\"]}", "upgrade expect=[aaa,bbb]" },
        { VERB_UPGRADE, "expect=", "", "upgrade expect=[]" },
        { VERB_UPGRADE, "", "{\"expect\":[]}", "upgrade expect=[]" },
        { VERB_UPGRADE, "transaction=run&backup=always", "",
          "upgrade transaction=run backup=always" },
        { VERB_UPGRADE, "", "{\"transaction\":\"revision\",\"backup\":\"never\"}",
          "upgrade transaction=revision backup=never" },
        { VERB_UPGRADE, "dry_run=true", "", "upgrade dry_run" },
        { VERB_UPGRADE, "dry_run=false", "", "upgrade" },
        { VERB_UPGRADE, "", "{\"dry_run\":true}", "upgrade dry_run" },
        { VERB_UPGRADE, "lock_timeout_ms=3600000&timeout_ms=86400000", "",
          "upgrade lock_timeout_ms=3600000 timeout_ms=86400000" },
        { VERB_UPGRADE, "", "{\"lock_timeout_ms\":1,\"timeout_ms\":2}",
          "upgrade lock_timeout_ms=1 timeout_ms=2" },
        { VERB_STAMP, "target=head", "", "stamp stamps=head" },
        { VERB_STAMP, "targets=a,b&purge=true", "", "stamp stamps=a,b purge" },
        { VERB_STAMP, "", "{\"targets\":[\"b\",\"a\"],\"purge\":true}", "stamp stamps=b,a purge" },
        { VERB_STAMP, "", "{\"targets\":[]}", "stamp" },
        { VERB_BACKUP, "reason=x&timeout_ms=5", "", "backup reason=x timeout_ms=5" },
        { VERB_UPGRADE, "reason=%C3%A4%20b", "", "upgrade reason=\xc3\xa4 b" },
        { VERB_UPGRADE, "", "{\"reason\":\"\\u00e4 b\"}", "upgrade reason=\xc3\xa4 b" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct error err = { 0 };
        struct run_request run;

        if (!read_run(rows[i].verb, rows[i].query, rows[i].body, &arena, &run, &err))
            fail_msg("row %zu: %s", i, err.detail);
        assert_string_equal(shown(&run, &arena), rows[i].shown);
    }
}

static const struct {
    enum verb verb;
    const char *query;
    const char *body;
    enum error_code code;
    const char *detail;
} refused[] = {
    { VERB_UPGRADE, "", "{", ERR_REQUEST_MALFORMED,
      "body is not JSON: string or '}' expected near end of file (line 1, column 1)" },
    { VERB_UPGRADE, "", "{\"target\":\"a\",\"target\":\"b\"}", ERR_REQUEST_MALFORMED,
      "body is not JSON: duplicate object key near '\"target\"' (line 1, column 22)" },
    { VERB_UPGRADE, "", "{\"target\":\"a\",\"t\\u0061rget\":\"b\"}", ERR_REQUEST_MALFORMED,
      "body is not JSON: duplicate object key near '\"t\\u0061rget\"' (line 1, column 27)" },
    { VERB_UPGRADE, "", "{} {}", ERR_REQUEST_MALFORMED,
      "body is not JSON: end of file expected near '{' (line 1, column 4)" },
    { VERB_UPGRADE, "", "[]", ERR_REQUEST_MALFORMED, "body is JSON, but not an object" },
    { VERB_UPGRADE, "target=a", "{\"target\":\"a\"}", ERR_ARGUMENT_INVALID,
      "argument 'target' is given twice" },
    { VERB_UPGRADE, "target=a&target=b", "", ERR_ARGUMENT_INVALID,
      "argument 'target' is given twice" },
    { VERB_UPGRADE, "", "{\"tarted\":\"a\"}", ERR_ARGUMENT_INVALID,
      "upgrade does not take an argument 'tarted'" },
    { VERB_UPGRADE, "purge=true", "", ERR_ARGUMENT_INVALID,
      "upgrade does not take an argument 'purge'" },
    { VERB_BACKUP, "", "{\"target\":\"a\"}", ERR_ARGUMENT_INVALID,
      "backup does not take an argument 'target'" },
    { VERB_UPGRADE, "", "{\"target\":null}", ERR_ARGUMENT_INVALID,
      "argument 'target' must be a text" },
    { VERB_UPGRADE, "", "{\"target\":[\"a\"]}", ERR_ARGUMENT_INVALID,
      "argument 'target' must be a text" },
    { VERB_UPGRADE, "target=", "", ERR_ARGUMENT_INVALID,
      "argument 'target' must be a revision, head, base or the like" },
    { VERB_UPGRADE, "", "{\"target\":\"a\\n\"}", ERR_ARGUMENT_INVALID,
      "argument 'target' holds a control character" },
    { VERB_UPGRADE, "", "{\"expect\":\"aaa,\"}", ERR_ARGUMENT_INVALID,
      "argument 'expect' has an empty element" },
    { VERB_UPGRADE, "", "{\"expect\":[1]}", ERR_ARGUMENT_INVALID,
      "argument 'expect' must be a list of texts" },
    { VERB_UPGRADE, "", "{\"expect\":{}}", ERR_ARGUMENT_INVALID,
      "argument 'expect' must be a list of texts" },
    { VERB_UPGRADE, "expect=head@a", "", ERR_ARGUMENT_INVALID,
      "argument 'expect' holds 'head@a', which is not a revision id" },
    { VERB_UPGRADE, "transaction=all", "", ERR_ARGUMENT_INVALID,
      "argument 'transaction' must be 'run' or 'revision'" },
    { VERB_UPGRADE, "", "{\"backup\":true}", ERR_ARGUMENT_INVALID,
      "argument 'backup' must be 'always', 'destructive' or 'never'" },
    { VERB_UPGRADE, "dry_run=1", "", ERR_ARGUMENT_INVALID,
      "argument 'dry_run' must be true or false" },
    { VERB_UPGRADE, "dry_run", "", ERR_ARGUMENT_INVALID,
      "argument 'dry_run' must be true or false" },
    { VERB_UPGRADE, "", "{\"dry_run\":\"true\"}", ERR_ARGUMENT_INVALID,
      "argument 'dry_run' must be true or false" },
    { VERB_UPGRADE, "lock_timeout_ms=3600001", "", ERR_ARGUMENT_INVALID,
      "argument 'lock_timeout_ms' must be a whole number from 0 to 3600000" },
    { VERB_UPGRADE, "timeout_ms=-1", "", ERR_ARGUMENT_INVALID,
      "argument 'timeout_ms' must be a whole number from 0 to 86400000" },
    { VERB_UPGRADE, "", "{\"timeout_ms\":-1}", ERR_ARGUMENT_INVALID,
      "argument 'timeout_ms' must be a whole number from 0 to 86400000" },
    { VERB_UPGRADE, "", "{\"timeout_ms\":1.0}", ERR_ARGUMENT_INVALID,
      "argument 'timeout_ms' must be a whole number from 0 to 86400000" },
    { VERB_UPGRADE, "", "{\"timeout_ms\":\"1\"}", ERR_ARGUMENT_INVALID,
      "argument 'timeout_ms' must be a whole number from 0 to 86400000" },
    { VERB_STAMP, "", "", ERR_ARGUMENT_INVALID, "argument 'target' is missing" },
    { VERB_STAMP, "targets=", "", ERR_ARGUMENT_INVALID, "argument 'target' is missing" },
    { VERB_STAMP, "", "{\"targets\":\"\"}", ERR_ARGUMENT_INVALID, "argument 'target' is missing" },
    { VERB_STAMP, "purge=true", "{\"targets\":[]}", ERR_ARGUMENT_INVALID,
      "argument 'target' is missing" },
    { VERB_STAMP, "target=a&targets=b", "", ERR_ARGUMENT_INVALID,
      "arguments 'target' and 'targets' are given both" },
    { VERB_STAMP, "target=a", "{\"targets\":[]}", ERR_ARGUMENT_INVALID,
      "arguments 'target' and 'targets' are given both" },
};

static void what_is_wrong_is_refused_by_name(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct error err = { 0 };
        struct run_request run;

        assert_false(
            read_run(refused[i].verb, refused[i].query, refused[i].body, &arena, &run, &err));
        assert_string_equal(err.detail, refused[i].detail);
        assert_int_equal(err.code, refused[i].code);
    }
}

static void texts_are_bounded(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    char *reason = arena_alloc(&arena, PARAM_REASON_MAX + 2);
    struct run_request run;
    struct error err = { 0 };

    (void) state;
    memset(reason, 'r', PARAM_REASON_MAX);
    assert_true(read_run(VERB_UPGRADE, "", arena_printf(&arena, "{\"reason\":\"%s\"}", reason),
                         &arena, &run, &err));
    reason[PARAM_REASON_MAX] = 'r';
    assert_false(read_run(VERB_UPGRADE, "", arena_printf(&arena, "{\"reason\":\"%s\"}", reason),
                          &arena, &run, &err));
    assert_string_equal(err.detail, "argument 'reason' is longer than 500 bytes");
}

static void lists_are_bounded(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    const char *list = "a";
    struct run_request run;
    struct error err = { 0 };

    (void) state;
    for (size_t i = 1; i < PARAM_LIST_MAX; i++)
        list = arena_printf(&arena, "%s,a", list);
    assert_true(
        read_run(VERB_STAMP, arena_printf(&arena, "targets=%s", list), "", &arena, &run, &err));
    assert_int_equal(run.stamps.count, PARAM_LIST_MAX);
    assert_false(
        read_run(VERB_STAMP, arena_printf(&arena, "targets=%s,a", list), "", &arena, &run, &err));
    assert_string_equal(err.detail, "argument 'targets' has more than 100 elements");
}

static void the_hint_names_what_would_be_taken(void **state)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct error err = { 0 };
    struct run_request run;

    (void) state;
    assert_false(read_run(VERB_BACKUP, "a=b", "", &arena, &run, &err));
    assert_string_equal(err.hint, "It takes lock_timeout_ms, reason, timeout_ms.");
}

static void a_plan_takes_a_verb_and_targets(void **state)
{
    static const struct {
        const char *query;
        const char *shown; /* or the detail of the error */
    } rows[] = {
        { "", "upgrade" },
        { "verb=downgrade&target=base", "downgrade target=base" },
        { "target=+1&verb=upgrade", "upgrade target=+1" },
        { "verb=stamp&targets=a,b&purge=true", "stamp stamps=a,b purge" },
        { "verb=backup", "argument 'verb' must be 'upgrade', 'downgrade' or 'stamp'" },
        { "verb=", "argument 'verb' must be 'upgrade', 'downgrade' or 'stamp'" },
        { "reason=x", "upgrade does not take an argument 'reason'" },
        { "verb=stamp", "argument 'target' is missing" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct error err = { 0 };
        struct run_request run = { 0 };
        struct uri uri;
        bool is_read =
            uri_parse(arena_printf(&arena, "/plan?%s", rows[i].query), &arena, &uri, &err) &&
            params_read_plan(&uri, &arena, &run, &err);

        assert_string_equal(is_read ? shown(&run, &arena) : err.detail, rows[i].shown);
    }
}

static void sql_takes_a_verb_a_range_and_a_transaction(void **state)
{
    static const struct {
        const char *query;
        const char *shown; /* or the detail of the error */
    } rows[] = {
        { "", "upgrade target=head" },
        { "verb=downgrade", "argument 'range' is missing" },
        { "verb=stamp", "argument 'range' is missing" },
        { "range=aaaa:+1", "upgrade target=aaaa:+1" },
        { "verb=downgrade&range=b:a&transaction=revision",
          "downgrade target=b:a transaction=revision" },
        { "verb=stamp&range=head", "stamp target=head" },
        { "verb=backup", "argument 'verb' must be 'upgrade', 'downgrade' or 'stamp'" },
        { "range=", "argument 'range' must be a revision, head, base or the like" },
        { "range=a&range=b", "argument 'range' is given twice" },
        { "transaction=all", "argument 'transaction' must be 'run' or 'revision'" },
        { "target=a", "/sql does not take an argument 'target'" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct error err = { 0 };
        struct run_request run = { 0 };
        struct uri uri;
        bool is_read =
            uri_parse(arena_printf(&arena, "/sql?%s", rows[i].query), &arena, &uri, &err) &&
            params_read_sql(&uri, &arena, &run, &err);

        assert_string_equal(is_read ? shown(&run, &arena) : err.detail, rows[i].shown);
    }
}

/* ---- Scripts ---- */

static const char *list_shown(const char *text, const char *name, const struct str_list *list,
                              struct arena *arena)
{
    return list->count > 0
               ? arena_printf(arena, "%s %s=%s", text, name, str_list_join(list, "|", arena))
               : text;
}

static const char *text_shown(const char *text, const char *name, const char *value,
                              struct arena *arena)
{
    return value != NULL ? arena_printf(arena, "%s %s=%s", text, name, value) : text;
}

static const char *script_shown(const struct script_params *params, struct arena *arena)
{
    const struct revision_request *request = &params->request;
    const char *text = request->splice ? "splice" : "";

    text = text_shown(text, "message", request->message, arena);
    text = text_shown(text, "rev_id", request->id, arena);
    text = text_shown(text, "head", request->head, arena);
    text = list_shown(text, "labels", &request->labels, arena);
    text = list_shown(text, "depends_on", &request->depends_on, arena);
    text = text_shown(text, "version_path", request->version_path, arena);
    return list_shown(text, "revisions", &params->merged, arena);
}

static void a_script_is_said_by_query_and_by_body(void **state)
{
    static const struct {
        bool is_merge;
        const char *query;
        const char *body;
        const char *shown; /* or the detail of the error */
    } rows[] = {
        { false, "", "", "" },
        { false,
          "message=Add%20posts&rev_id=ab&head=blog@head&splice=true&branch_labels=blog,"
          "news&depends_on=a,b&version_path=/srv/more",
          "",
          "splice message=Add posts rev_id=ab head=blog@head labels=blog|news depends_on=a|b "
          "version_path=/srv/more" },
        { false, "splice=false",
          "{\"message\":\"One\\ntwo\",\"branch_labels\":[\"blog\"],\"depends_on\":[\"a\",\"b\"]}",
          " message=One\ntwo labels=blog depends_on=a|b" },
        { true, "revisions=a,b", "{\"message\":\"m\",\"splice\":true}",
          "splice message=m revisions=a|b" },
        { true, "", "{\"revisions\":[\"heads\"],\"rev_id\":\"ab\",\"branch_labels\":\"x\"}",
          " rev_id=ab labels=x revisions=heads" },
        { true, "", "", "argument 'revisions' is missing" },
        { true, "", "{\"revisions\":[]}", "argument 'revisions' is missing" },
        { true, "", "{\"revisions\":[1]}", "argument 'revisions' must be a list of texts" },
        { true, "revisions=a", "{\"head\":\"a\"}", "a merge does not take an argument 'head'" },
        { false, "revisions=a", "", "a revision does not take an argument 'revisions'" },
        { false, "", "{\"target\":\"a\"}", "a revision does not take an argument 'target'" },
        { false, "", "{\"message\":1}", "argument 'message' must be a text" },
        { false, "message=a", "{\"message\":\"b\"}", "argument 'message' is given twice" },
        { false, "", "{\"rev_id\":\"a\\nb\"}", "argument 'rev_id' holds a control character" },
        { false, "", "{\"head\":\"\"}",
          "argument 'head' must be a revision, head, base or the like" },
        { false, "", "{\"splice\":1}", "argument 'splice' must be true or false" },
        { false, "", "{\"depends_on\":[\"\"]}", "argument 'depends_on' has an empty element" },
        { false, "", "{\"version_path\":[]}", "argument 'version_path' must be a text" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct error err = { 0 };
        struct script_params params;
        struct uri uri;
        bool is_read =
            uri_parse(arena_printf(&arena, "/x?%s", rows[i].query), &arena, &uri, &err) &&
            params_read_script(rows[i].is_merge, &uri, str_of(rows[i].body), &arena, &params, &err);

        assert_string_equal(is_read ? script_shown(&params, &arena) : err.detail, rows[i].shown);
    }
}

static void nobody_sends_sql(void **state)
{
    struct uri uri = { 0 };

    (void) state;
    for (unsigned is_merge = 0; is_merge <= 1; is_merge++) {
        struct arena arena cleanup(arena_release) = { 0 };
        struct error err = { 0 };
        struct script_params params;

        assert_false(params_read_script(is_merge == 1, &uri, str_of("{\"sql\":\"DROP TABLE x\"}"),
                                        &arena, &params, &err));
        assert_int_equal(err.code, ERR_ARGUMENT_INVALID);
        assert_string_equal(err.hint,
                            "No SQL is taken over HTTP: write it into the new script's file.");
    }
}

static void truths_are_true_or_false(void **state)
{
    static const struct {
        const char *text; /* NULL: not given */
        bool is_read;
        bool value;
    } rows[] = {
        { NULL, true, true }, { "true", true, true }, { "false", true, false },
        { "", false, false }, { "1", false, false },  { "True", false, false },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct uri_param param = { "x", rows[i].text };
        const struct uri uri = { .params = &param, .param_count = rows[i].text != NULL };
        struct error err = { 0 };
        bool value = true;

        assert_int_equal(params_read_bool(&uri, "x", &value, &err), rows[i].is_read);
        if (rows[i].is_read)
            assert_int_equal(value, rows[i].value);
        else
            assert_string_equal(err.detail, "argument 'x' must be true or false");
    }
}

static void times_are_those_of_rfc_3339(void **state)
{
    static const struct {
        const char *text;
        int64_t us; /* 0: refused */
    } rows[] = {
        { "2026-11-20T15:03:04Z", INT64_C(1795186984000000) },
        { "2026-11-20T15:03:04.806Z", INT64_C(1795186984806000) },
        { "2026-11-20T15:03:04.806509Z", INT64_C(1795186984806509) },
        { "2026-11-20T15:03:04.8065091999Z", INT64_C(1795186984806509) },
        { "2026-11-20T15:03:04+00:00", INT64_C(1795186984000000) },
        { "2026-11-20T16:03:04+01:00", INT64_C(1795186984000000) },
        { "2026-11-20T09:33:04-05:30", INT64_C(1795186984000000) },
        { "1969-12-31T23:59:59Z", 1 },
        { "", 0 },
        { "2026-11-20", 0 },
        { "2026-11-20T15:03:04", 0 },
        { "2026-11-20 15:03:04Z", 0 },
        { "2026-13-20T15:03:04Z", 0 },
        { "2026-02-30T15:03:04Z", 0 },
        { "2026-11-20T25:03:04Z", 0 },
        { "2026-11-2aT15:03:04Z", 0 },
        { "2026-11-20T15:03:04.Z", 0 },
        { "2026-11-20T15:03:04+1:00", 0 },
        { "2026-11-20T15:03:04+24:00", 0 },
        { "2026-11-20T15:03:04+01:60", 0 },
        { "2026-11-20T15:03:04Zx", 0 },
        { "yesterday", 0 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct uri_param param = { "since", rows[i].text };
        const struct uri uri = { .params = &param, .param_count = 1 };
        struct error err = { 0 };
        int64_t us = 0;

        assert_int_equal(params_read_time(&uri, "since", &us, &err), rows[i].us != 0);
        assert_int_equal(us, rows[i].us);
        if (rows[i].us == 0)
            assert_string_equal(err.detail,
                                "argument 'since' must be a time such as 2026-11-20T15:03:04Z");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_and_body_say_the_same),
        cmocka_unit_test(what_is_wrong_is_refused_by_name),
        cmocka_unit_test(texts_are_bounded),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(the_hint_names_what_would_be_taken),
        cmocka_unit_test(a_plan_takes_a_verb_and_targets),
        cmocka_unit_test(sql_takes_a_verb_a_range_and_a_transaction),
        cmocka_unit_test(a_script_is_said_by_query_and_by_body),
        cmocka_unit_test(nobody_sends_sql),
        cmocka_unit_test(truths_are_true_or_false),
        cmocka_unit_test(times_are_those_of_rfc_3339),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
