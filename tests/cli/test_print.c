/*
 * test_print.c - JSON to lines: what people see, whoever was asked.
 */
#include "tests/unit/unit.h"

#include "cli/print.h"

#include <stdlib.h>

/* A printer that writes into memory. */
struct paper {
    struct printer printer;
    char *out;
    char *err;
    size_t out_len;
    size_t err_len;
};

static int paper_new(void **state)
{
    struct paper *paper = calloc(1, sizeof(*paper));

    paper->printer.out = open_memstream(&paper->out, &paper->out_len);
    paper->printer.err = open_memstream(&paper->err, &paper->err_len);
    *state = paper;
    return 0;
}

static int paper_free(void **state)
{
    struct paper *paper = *state;

    (void) fclose(paper->printer.out);
    (void) fclose(paper->printer.err);
    free(paper->out);
    free(paper->err);
    free(paper);
    return 0;
}

static void expect_out(struct paper *paper, const char *expected)
{
    assert_int_equal(fflush(paper->printer.out), 0);
    assert_string_equal(paper->out, expected);
}

static void expect_err(struct paper *paper, const char *expected)
{
    assert_int_equal(fflush(paper->printer.err), 0);
    assert_string_equal(paper->err, expected);
}

/* Single quotes stand for double ones. */
static json_t *json_of(const char *text)
{
    char *quoted = strdup(text);
    json_error_t where;
    json_t *json = NULL;

    for (char *at = quoted; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    json = json_loads(quoted, JSON_DECODE_ANY, &where);
    if (json == NULL)
        fail_msg("%s at %d", where.text, where.position);
    free(quoted);
    return json;
}

static void current_prints_lines_and_marks_the_unknown(void **state)
{
    struct paper *paper = *state;
    json_t *current = json_of("{'lines': ['a1 (head)', 'b2'], 'unknown': ['zz']}");

    print_current(&paper->printer, current, NULL);
    expect_out(paper, "a1 (head)\nb2\nzz (unknown)\n");
    json_decref(current);
}

static void history_marks_the_current_revision_only_when_asked(void **state)
{
    static const struct {
        const char *revision;
        bool shows_current;
        const char *line;
    } cases[] = {
        { "{'id': 'b', 'is_current': true, 'history_line': 'a -> b (head) (current), x'}", false,
          "a -> b (head), x\n" },
        { "{'id': 'b', 'is_current': true, 'history_line': 'a -> b (head) (current), x'}", true,
          "a -> b (head) (current), x\n" },
        { "{'id': 'b', 'is_current': false, 'history_line': 'a -> b, is it (current)?'}", false,
          "a -> b, is it (current)?\n" },
        { "{'id': 'b', 'is_current': true, 'history_line': 'a -> b (current), is it (current)?'}",
          false, "a -> b, is it (current)?\n" },
        { "{'id': 'b', 'is_current': true, 'labels': ['current'],"
          " 'history_line': 'a -> b (current) (current), x'}",
          false, "a -> b (current), x\n" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *list = json_array();
        void *fresh = NULL;

        paper_new(&fresh);
        json_array_append_new(list, json_of(cases[i].revision));
        print_history(&((struct paper *) fresh)->printer, list, cases[i].shows_current);
        expect_out(fresh, cases[i].line);
        json_decref(list);
        paper_free(&fresh);
    }
}

static void the_id_is_tinted_on_a_terminal(void **state)
{
    struct paper *paper = *state;
    json_t *list =
        json_of("[{'id': 'b', 'history_line': 'a -> b (head), x', 'head_line': 'b (head)'}]");

    paper->printer.is_out_colored = true;
    print_history(&paper->printer, list, false);
    print_heads(&paper->printer, list);
    expect_out(paper, "a -> \033[33mb\033[0m (head), x\n\033[33mb\033[0m (head)\n");
    json_decref(list);
}

static void entries_are_followed_by_an_empty_line(void **state)
{
    struct paper *paper = *state;
    json_t *revision = json_of("{'id': 'b', 'is_current': true,"
                               " 'text': 'Rev: b (head) (current)\\nParent: a',"
                               " 'upgrade': [{'sql': 'SELECT 1'}], 'downgrade': [],"
                               " 'irreversible': null}");

    print_revision(&paper->printer, revision);
    expect_out(paper, "Rev: b (head)\nParent: a\n\n");
    paper->printer.is_verbose = true;
    print_revision(&paper->printer, revision);
    expect_out(paper, "Rev: b (head)\nParent: a\n\nRev: b (head)\nParent: a\n\n"
                      "-- migrate:up\nSELECT 1;\n\n-- migrate:down\n\n");
    json_decref(revision);
}

static const char a_run[] = "{'id': '12', 'verb': 'upgrade', 'outcome': 'succeeded', 'from': [],"
                            " 'to': ['b'], 'backup': 'n.db', 'duration_ms': 12.3456, 'steps': ["
                            "{'line': 'Running upgrade  -> a, one', 'duration_ms': 1.25},"
                            "{'line': 'Running upgrade a -> b, two', 'duration_ms': 2}]}";

static void a_run_prints_alembics_lines(void **state)
{
    struct paper *paper = *state;
    json_t *run = json_of(a_run);

    print_run(&paper->printer, run);
    expect_out(paper, "Running upgrade  -> a, one\nRunning upgrade a -> b, two\n");
    json_decref(run);
}

static void a_run_tells_details_when_asked(void **state)
{
    struct paper *paper = *state;
    json_t *run = json_of(a_run);

    paper->printer.is_verbose = true;
    print_run(&paper->printer, run);
    expect_out(paper, "Running upgrade  -> a, one (1.2 ms)\nRunning upgrade a -> b, two (2.0 ms)\n"
                      "Run: 12, succeeded\nFrom: <base>\nTo: b\nBackup: n.db\nDuration: 12.3 ms\n");
    json_decref(run);
}

static void a_quiet_run_still_warns(void **state)
{
    struct paper *paper = *state;
    json_t *run = json_of("{'verb': 'backup', 'backup': 'n.db', 'warning': 'no journal'}");

    paper->printer.is_quiet = true;
    print_run(&paper->printer, run);
    expect_out(paper, "");
    expect_err(paper, "schemadctl: warning: no journal\n");
    json_decref(run);
}

static void what_was_only_planned_is_said_to_be(void **state)
{
    struct paper *paper = *state;
    json_t *run = json_of("{'verb': 'upgrade', 'outcome': 'planned',"
                          " 'steps': [{'line': 'Running upgrade  -> a, one'}]}");
    json_t *stamp =
        json_of("{'verb': 'stamp', 'outcome': 'succeeded', 'from': ['a'], 'to': ['b', 'c']}");
    json_t *again =
        json_of("{'verb': 'stamp', 'outcome': 'nothing-to-do', 'from': ['a'], 'to': ['a']}");

    print_run(&paper->printer, run);
    print_run(&paper->printer, stamp);
    print_run(&paper->printer, again);
    expect_out(paper, "Would run upgrade  -> a, one\nRunning stamp_revision a -> b, c\n");
    json_decref(run);
    json_decref(stamp);
    json_decref(again);
}

static void a_plan_says_what_each_statement_does(void **state)
{
    struct paper *paper = *state;
    json_t *plan = json_of("{'steps': [{'line': 'Running upgrade  -> a, one', 'statements': ["
                           "{'sql': 'CREATE TABLE t (x)', 'verb': 'CREATE TABLE', 'object': 't'},"
                           "{'sql': 'DROP TABLE u', 'verb': 'DROP TABLE', 'object': 'u',"
                           " 'destructive': true},"
                           "{'sql': 'VACUUM', 'verb': 'VACUUM', 'object': null}]}]}");

    print_plan(&paper->printer, plan);
    expect_out(paper, "Would run upgrade  -> a, one\n    CREATE TABLE t\n"
                      "    DROP TABLE u (destructive)\n    VACUUM\n");
    json_decref(plan);
}

static void a_plan_is_sql_when_asked_for_details(void **state)
{
    struct paper *paper = *state;
    json_t *plan = json_of("{'steps': [{'line': 'Running upgrade  -> a, one', 'statements': ["
                           "{'sql': 'CREATE TABLE t (x)'}]}]}");

    paper->printer.is_verbose = true;
    print_plan(&paper->printer, plan);
    expect_out(paper, "-- Running upgrade  -> a, one\n\nCREATE TABLE t (x);\n\n");
    json_decref(plan);
}

static void an_error_says_where_what_and_what_to_do(void **state)
{
    struct paper *paper = *state;
    struct source_pos pos = { .file = "v/a_one.sql", .line = 3, .column = 1 };
    struct error err = { 0 };

    error_set(&err, ERR_STATEMENT_FAILED, "no such table: t");
    error_at(&err, &pos);
    error_hint(&err, "Create it first.");
    print_problem(&paper->printer, &err);
    expect_err(paper, "schemadctl: v/a_one.sql:3:1: no such table: t\nhint: Create it first.\n");
    expect_out(paper, "");
}

static void control_characters_do_not_reach_a_terminal(void **state)
{
    struct paper *paper = *state;
    json_t *current = json_of("{'lines': ['a\\u001b[2J\\u0007\\u007f\\tb \\u00fc']}");

    print_current(&paper->printer, current, NULL);
    expect_out(paper, "a?[2J??\tb \xc3\xbc\n");
    json_decref(current);
}

static void tables_list_the_newest_first(void **state)
{
    struct paper *paper = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    json_t *jobs =
        json_of("[{'id': '2', 'state': 'failed', 'run': {'verb': 'upgrade', 'target':"
                " 'head', 'from': [], 'to': [], 'started_at': 'T2', 'actor': 'me'}},"
                "{'id': '1', 'state': 'succeeded', 'run': {'verb': 'backup', 'target': null,"
                " 'from': ['a'], 'to': ['a'], 'started_at': 'T1', 'actor': 'you'}}]");
    json_t *backups = json_of("[{'name': 'n.db', 'bytes': 2048, 'created_at': 'T',"
                              " 'revisions': ['a', 'b']}]");

    print_jobs(&paper->printer, jobs, &arena);
    print_backups(&paper->printer, backups, &arena);
    expect_out(paper, "2  failed     upgrade head  <base>  -> <base>  T2  me\n"
                      "1  succeeded  backup        a       -> a       T1  you\n"
                      "n.db  2.0 KiB  T  a, b\n");
    json_decref(jobs);
    json_decref(backups);
}

static void status_shows_everything_at_a_glance(void **state)
{
    struct paper *paper = *state;
    json_t *status = json_of(
        "{'name': 'schemad', 'version': '1.2.3', 'status': 'upgrading', 'ready': false,"
        " 'current': {'verdict': 'behind', 'lines': ['a'], 'unknown': [], 'heads': ['c'],"
        " 'pending': 2, 'stale': true, 'running': {'phase': 'running', 'permille': 123,"
        " 'run': {'verb': 'upgrade', 'target': 'head'}},"
        " 'problem': {'code': 'statement-failed', 'detail': 'no', 'file': 'b.sql', 'line': 7}},"
        " 'database': {'path': 'c.db', 'exists': true, 'bytes': 1536, 'journal_mode': 'wal'},"
        " 'scripts': ['v', 'w'], 'started_at': 'T0',"
        " 'required': 'head', 'accept': 'a..',"
        " 'last_run': {'ended_at': 'T1', 'verb': 'stamp', 'outcome': 'cancelled'},"
        " 'last_backup': {'created_at': 'T2', 'bytes': 10, 'revisions': ['a']}}");

    print_status(&paper->printer, status);
    expect_out(paper, "    Database: c.db (1.5 KiB, wal)\n"
                      "     Scripts: v, w\n"
                      "      Schema: behind, 2 to apply (as last seen)\n"
                      "    Revision: a\n"
                      "       Heads: c\n"
                      "       Ready: no (required is head, accepted is a..)\n"
                      "     Problem: b.sql:7: no\n"
                      "     Running: upgrade head, running, 12 %\n"
                      "    Last run: stamp cancelled T1\n"
                      " Last backup: T2 (10 B, at a)\n"
                      "      Daemon: schemad 1.2.3, since T0\n"
                      "      Status: upgrading\n");
    json_decref(status);
}

static void a_running_job_says_how_far_it_is(void **state)
{
    struct paper *paper = *state;
    json_t *job = json_of("{'id': '0a', 'state': 'running', 'phase': 'backup', 'permille': 250,"
                          " 'elapsed_ms': 61000, 'cancel_requested': true, 'run': {}}");

    print_job(&paper->printer, job);
    assert_int_equal(fflush(paper->printer.out), 0);
    assert_non_null(strstr(paper->out, "       State: running, to be cancelled\n"
                                       "    Progress: 1:01   25 %  backup\n"));
    json_decref(job);
}

static void refused_requests_are_a_table(void **state)
{
    struct paper *paper = *state;
    struct arena arena cleanup(arena_release) = { 0 };
    json_t *denials = json_of("[{'at': 'T2', 'reason': 'token', 'actor': 'tcp', 'method': 'POST',"
                              " 'path': '/upgrade', 'repeated': 7},"
                              " {'at': 'T1', 'reason': 'access', 'actor': 'uid 7', 'method': 'GET',"
                              " 'path': '/denials', 'repeated': 0}]");

    print_denials(&paper->printer, denials, &arena);
    expect_out(paper, "T2  token   tcp    POST /upgrade  and 7 more\n"
                      "T1  access  uid 7  GET /denials   \n");
    json_decref(denials);
}

static void an_event_is_a_line(void **state)
{
    static const struct {
        const char *name;
        const char *data;
        const char *line; /* behind the time */
    } cases[] = {
        { "job", "{'id': '0a', 'state': 'queued', 'run': {'verb': 'upgrade', 'target': 'head'}}",
          "job 0a upgrade head: queued\n" },
        { "job",
          "{'id': '0a', 'state': 'running', 'phase': 'running', 'revision': 'b2', 'step': 1,"
          " 'step_count': 2, 'permille': 500, 'run': {'verb': 'stamp', 'target': null}}",
          "job 0a stamp: 0:00   50 %  running b2, step 1 of 2\n" },
        { "job",
          "{'id': '0a', 'state': 'failed', 'run': {'verb': 'backup', 'error':"
          " {'code': 'io-error', 'detail': 'disk is gone'}}}",
          "job 0a backup: failed: disk is gone\n" },
        { "current", "{'verdict': 'behind', 'revisions': ['a', 'b'], 'pending': 2, 'stale': true}",
          "schema behind: a, b, 2 to apply, not ready (as last seen)\n" },
        { "current", "{'verdict': 'equal', 'revisions': [], 'ready': true}",
          "schema at head: base, ready\n" },
        { "gap", "{'after': 7, 'detail': 'events were forgotten'}",
          "gap: events were forgotten\n" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *data = json_of(cases[i].data);
        void *fresh = NULL;
        struct paper *paper = NULL;

        paper_new(&fresh);
        paper = fresh;
        print_event(&paper->printer, cases[i].name, data);
        assert_int_equal(fflush(paper->printer.out), 0);
        assert_string_equal(strchr(paper->out, ' ') + 1, cases[i].line);
        json_decref(data);
        paper_free(&fresh);
    }
}

static void a_document_can_be_a_line_and_a_note_is_not_for_quiet_ones(void **state)
{
    struct paper *paper = *state;
    json_t *json = json_of("{'a': [1, 2]}");

    print_json_line(&paper->printer, json);
    print_note(&paper->printer, "lost the daemon");
    paper->printer.is_quiet = true;
    print_note(&paper->printer, "lost it again");
    assert_int_equal(fflush(paper->printer.out), 0);
    assert_non_null(strchr(paper->out, '\n'));
    assert_string_equal(strchr(paper->out, '\n'), "\n");
    expect_err(paper, "schemadctl: lost the daemon\n");
    json_decref(json);
}

static void a_graph_draws_what_is_listed(void **state)
{
    struct paper *paper = *state;
    json_t *list = json_of(
        "[{'id': 'd', 'parents': ['b', 'c'], 'history_line': 'b, c -> d (head), join'},"
        " {'id': 'c', 'parents': ['a'], 'is_current': true, 'history_line': 'a -> c (current), x'},"
        " {'id': 'b', 'parents': ['a'], 'history_line': 'a -> b, y -> z'},"
        " {'id': 'a', 'parents': ['gone'], 'history_line': 'gone -> a, begin'}]");

    print_graph(&paper->printer, list, false, true);
    expect_out(paper, "*    d (head), join\n"
                      "|\\\n"
                      "| *  c, x\n"
                      "* |  b, y -> z\n"
                      "|/\n"
                      "*  a, begin\n");
    json_decref(list);
}

static void branches_have_their_entries(void **state)
{
    struct paper *paper = *state;
    json_t *list = json_of("[{'entry': 'a (branchpoint)\\n  -> b', 'is_current': true,"
                           "  'detail': 'Rev: a (branchpoint) (current)\\n\\n  -> b'}]");

    print_branches(&paper->printer, list);
    paper->printer.is_verbose = true;
    print_branches(&paper->printer, list);
    expect_out(paper, "a (branchpoint)\n  -> b\n\nRev: a (branchpoint)\n\n  -> b\n\n");
    json_decref(list);
}

static void a_check_tells_each_finding_with_its_way_out(void **state)
{
    struct paper *paper = *state;
    json_t *findings =
        json_of("[{'code': 'script-changed', 'detail': 'it changed', 'file': 'a.sql',"
                "  'line': 3, 'column': 1, 'hint': 'change it back'},"
                " {'code': 'not-ready', 'detail': 'behind'}]");
    json_t *none = json_of("[]");

    print_check(&paper->printer, findings);
    print_check(&paper->printer, none);
    expect_out(paper, "a.sql:3:1: it changed\n  hint: change it back\nbehind\nnothing is amiss\n");
    json_decref(findings);
    json_decref(none);
}

#define paper_test(function) cmocka_unit_test_setup_teardown(function, paper_new, paper_free)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        paper_test(current_prints_lines_and_marks_the_unknown),
        paper_test(history_marks_the_current_revision_only_when_asked),
        paper_test(the_id_is_tinted_on_a_terminal),
        paper_test(entries_are_followed_by_an_empty_line),
        paper_test(a_run_prints_alembics_lines),
        paper_test(a_run_tells_details_when_asked),
        paper_test(a_quiet_run_still_warns),
        paper_test(what_was_only_planned_is_said_to_be),
        paper_test(a_plan_says_what_each_statement_does),
        paper_test(a_plan_is_sql_when_asked_for_details),
        paper_test(an_error_says_where_what_and_what_to_do),
        paper_test(control_characters_do_not_reach_a_terminal),
        paper_test(tables_list_the_newest_first),
        paper_test(status_shows_everything_at_a_glance),
        paper_test(a_running_job_says_how_far_it_is),
        paper_test(refused_requests_are_a_table),
        paper_test(an_event_is_a_line),
        paper_test(a_graph_draws_what_is_listed),
        paper_test(branches_have_their_entries),
        paper_test(a_check_tells_each_finding_with_its_way_out),
        paper_test(a_document_can_be_a_line_and_a_note_is_not_for_quiet_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
