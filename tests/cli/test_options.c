/*
 * test_options.c - words to options. A command line is written as one text; '_' stands for an empty
 * word.
 */
#include "tests/unit/unit.h"

#include "cli/options.h"
#include "config.h"

static struct arena arena;
static const struct environment no_environment;

static int release_arena(void **state)
{
    (void) state;
    arena_release(&arena);
    return 0;
}

static struct str_list words_of(const char *line)
{
    struct str_list words = { 0 };
    struct str rest = str_of(line);

    while (rest.len > 0) {
        size_t end = str_find_char(rest, ' ', 0);
        const char *word = arena_strndup(&arena, rest.ptr, end);

        str_list_add(&words, &arena, strcmp(word, "_") == 0 ? "" : word);
        rest = str_sub(rest, end + 1, rest.len);
    }
    return words;
}

static struct options parse(const char *line)
{
    struct str_list words = words_of(line);
    struct options options;
    struct error err = { 0 };

    if (!options_parse(&words, &no_environment, &arena, &options, &err))
        fail_msg("%s: %s", line, err.detail);
    return options;
}

/* Also asserts that it is a usage error. */
static struct error parse_fails(const char *line, const struct environment *environment)
{
    struct str_list words = words_of(line);
    struct options options;
    struct error err = { 0 };

    if (options_parse(&words, environment, &arena, &options, &err))
        fail_msg("%s: was parsed", line);
    assert_int_equal(err.code, ERR_ARGUMENT_INVALID);
    return err;
}

static void targets_that_look_like_options_are_operands(void **state)
{
    static const struct {
        const char *line;
        enum command_id command;
        const char *operand;
    } cases[] = {
        { "downgrade -1", COMMAND_DOWNGRADE, "-1" },
        { "downgrade -12 -v", COMMAND_DOWNGRADE, "-12" },
        { "downgrade -- -1", COMMAND_DOWNGRADE, "-1" },
        { "upgrade +2", COMMAND_UPGRADE, "+2" },
        { "--json upgrade --dry-run head", COMMAND_UPGRADE, "head" },
        { "upgrade left@head --quiet", COMMAND_UPGRADE, "left@head" },
        { "plan --down -1", COMMAND_PLAN, "-1" },
        { "show -- --odd", COMMAND_SHOW, "--odd" },
        { "show -", COMMAND_SHOW, "-" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options = parse(cases[i].line);

        assert_int_equal(options.command, cases[i].command);
        assert_int_equal(options.operands.count, 1);
        assert_string_equal(options.operands.items[0], cases[i].operand);
    }
}

static void a_value_is_glued_or_follows(void **state)
{
    static const char *const lines[] = { "history -r -2:",      "history -r-2:",
                                         "history --range -2:", "history --range=-2:",
                                         "-r -2: history",      "history -ir-2:" };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        assert_string_equal(parse(lines[i]).range, "-2:");
    assert_true(parse("history -vi").shows_current);
    assert_true(parse("history -vi").is_verbose);
    assert_string_equal(parse("revision -m=x").message, "=x");
    assert_string_equal(parse("revision --message=a=b").message, "a=b");
}

static void a_run_is_asked_for_in_full(void **state)
{
    struct options options =
        parse("upgrade head --expect b,a --expect c --transaction revision --backup never "
              "--reason why --dry-run --lock-timeout 2s --timeout 1500");

    (void) state;
    assert_true(options.request.has_expect);
    assert_string_equal(str_list_join(&options.request.expect, " ", &arena), "a b c");
    assert_true(options.request.has_transaction);
    assert_int_equal(options.request.transaction, TRANSACTION_REVISION);
    assert_true(options.request.has_backup);
    assert_int_equal(options.request.backup, BACKUP_NEVER);
    assert_string_equal(options.request.reason, "why");
    assert_true(options.request.is_dry_run);
    assert_int_equal(options.request.lock_timeout_ms, 2000);
    assert_int_equal(options.request.timeout_ms, 1500);
    assert_true(parse("stamp a b --purge").request.purge);
    assert_int_equal(parse("stamp a b --purge").operands.count, 2);
}

static void an_empty_database_can_be_expected(void **state)
{
    static const char *const lines[] = { "upgrade --expect _",
                                         "upgrade --expect=", "upgrade --expect base" };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct options options = parse(lines[i]);

        assert_true(options.request.has_expect);
        assert_int_equal(options.request.expect.count, 0);
    }
    assert_false(parse("upgrade").request.has_expect);
}

static void times_have_units(void **state)
{
    static const struct {
        const char *line;
        uint32_t run_ms;
        uint32_t wait_ms;
    } cases[] = {
        { "upgrade --timeout 250", 250, 0 },    { "upgrade --timeout 250ms", 250, 0 },
        { "upgrade --timeout 3s", 3000, 0 },    { "upgrade --timeout 2m", 120000, 0 },
        { "wait --timeout 3", 0, 3000 },        { "wait --timeout 250ms", 0, 250 },
        { "--timeout 4 wait", 0, 4000 },        { "upgrade --timeout 4294967295", UINT32_MAX, 0 },
        { "upgrade --timeout 2h", 7200000, 0 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options = parse(cases[i].line);

        assert_int_equal(options.request.timeout_ms, cases[i].run_ms);
        assert_int_equal(options.wait_ms, cases[i].wait_ms);
    }
}

static const struct {
    const char *line;
    const char *detail;
    const char *hint;
} mistakes[] = {
    { "", "a command is missing", "schemadctl --help" },
    { "upgrad", "unknown command \"upgrad\"", "Did you mean \"upgrade\"?" },
    { "hsitory", "unknown command \"hsitory\"", "Did you mean \"history\"?" },
    { "frobnicate", "unknown command \"frobnicate\"", "schemadctl --help" },
    { "upgrade --transation run", "unknown option \"--transation\"", "\"--transaction\"" },
    { "upgrade --zzz", "unknown option \"--zzz\"", "schemadctl --help" },
    { "upgrade -z", "unknown option \"-z\"", "schemadctl --help" },
    { "current --purge", "\"current\" does not take --purge", "schemadctl current --help" },
    { "--dry-run heads", "\"heads\" does not take --dry-run", "schemadctl heads --help" },
    { "upgrade a b", "does not know what to do with \"b\"", "upgrade [TARGET]" },
    { "merge", "\"merge\" needs REV...", "merge REV..." },
    { "create", "\"create\" needs MESSAGE", "create MESSAGE" },
    { "create -m x y", "\"create\" does not take --message", "create --help" },
    { "compete", "unknown command \"compete\"", "schemadctl --help" }, /* "complete" is hidden */
    { "revision --slug-length 0", "--slug-length is 1 to 200, not \"0\"", "" },
    { "revision --timezone Mars", "--timezone is \"local\" or \"utc\", not \"Mars\"", "" },
    { "--socket s revision --sql-file f", "--sql-file is for --scripts", "takes no SQL" },
    { "--socket s merge heads --timezone utc", "--timezone is for --scripts", "[scripts]" },
    { "--socket s edit", "works on a directory of scripts", "" },
    { "upgrade --sql --expect a", "--sql and --expect exclude each other", "" },
    { "stamp --sql --purge head", "--sql and --purge exclude each other", "" },
    { "downgrade a:b --sql --no-wait", "--sql and --no-wait exclude each other", "" },
    { "stamp --sql a b", "--sql takes one target", "" },
    { "stamp", "\"stamp\" needs TARGET...", "stamp TARGET..." },
    { "upgrade --reason", "--reason needs a value (TEXT)", "" },
    { "upgrade --json=yes", "--json takes no value", "" },
    { "upgrade --reason a --reason b", "--reason is given twice", "" },
    { "upgrade --transaction none", "--transaction is \"run\" or \"revision\", not \"none\"", "" },
    { "upgrade --backup no", "not \"no\"", "" },
    { "upgrade --color red", "--color is", "" },
    { "upgrade --timeout soon", "--timeout takes a duration", "" },
    { "upgrade --timeout -1", "--timeout takes a duration", "" },
    { "upgrade --timeout 4294967296", "--timeout takes a duration", "" },
    { "upgrade --timeout 71583m", "--timeout takes a duration", "" },
    { "upgrade -q -v", "--quiet and --verbose exclude each other", "" },
    { "upgrade -q --json", "--quiet and --json exclude each other", "" },
    { "upgrade -q --follow", "--quiet and --follow exclude each other", "" },
    { "upgrade --wait --no-wait", "--no-wait and --wait exclude each other", "" },
    { "upgrade --follow --no-wait", "--no-wait and --follow exclude each other", "" },
    { "jobs --follow", "jobs --follow needs the ID of a job", "schemadctl events" },
    { "jobs --only done", "--only is \"queued\"", "" },
    { "jobs --verb restore", "--verb is \"upgrade\"", "" },
    { "jobs --limit 0", "--limit is 1 to 1000", "" },
    { "jobs --limit 1001", "--limit is 1 to 1000", "" },
    { "jobs --limit many", "--limit is 1 to 1000", "" },
    { "jobs --state failed", "--state is for --database", "jobs --only STATE" },
    { "upgrade --idempotency-key _", "--idempotency-key is 1 to 255", "" },
    { "upgrade --idempotency-key a\nb", "--idempotency-key is 1 to 255", "" },
    { "upgrade --idempotency-key \xc3\xbc", "--idempotency-key is 1 to 255", "" },
    { "upgrade --retry never", "--retry takes a duration", "" },
    { "token create x --access admin", "--access is \"read\"", "" },
    { "token", "\"token\" needs VERB [NAME]", "" },
    { "denials --only failed", "\"denials\" does not take --only", "" },
};

static void mistakes_are_named_and_the_way_out_is_shown(void **state)
{
    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        struct error err = parse_fails(mistakes[i].line, &no_environment);

        if (strstr(err.detail, mistakes[i].detail) == NULL ||
            strstr(err.hint, mistakes[i].hint) == NULL)
            fail_msg("%s: %s / %s", mistakes[i].line, err.detail, err.hint);
    }
}

static void options_decide_whom_to_ask(void **state)
{
    static const struct {
        const char *line;
        bool is_offline;
        const char *socket;
        const char *scripts;
    } cases[] = {
        { "current", false, SCHEMAD_RUN_DIR "/content.sock", NULL },
        { "--instance blog current", false, SCHEMAD_RUN_DIR "/blog.sock", NULL },
        { "--socket s current", false, "s", NULL },
        { "--database d --scripts v current", true, NULL, "v" },
        { "--database d current", true, NULL, SCHEMAD_DATA_DIR "/content/versions" },
        { "--database d --instance blog current", true, NULL, SCHEMAD_DATA_DIR "/blog/versions" },
        { "--scripts v heads", true, NULL, "v" },
        { "revision", true, NULL, SCHEMAD_DATA_DIR "/content/versions" },
        { "create x", true, NULL, SCHEMAD_DATA_DIR "/content/versions" },
        { "edit", true, NULL, SCHEMAD_DATA_DIR "/content/versions" },
        { "init", true, NULL, "migrations/versions" },
        { "init --scripts v", true, NULL, "v" },
        { "--socket s revision", false, "s", NULL },
        { "--instance blog merge heads", false, SCHEMAD_RUN_DIR "/blog.sock", NULL },
        { "--scripts v upgrade --sql", true, NULL, "v" },
        { "upgrade --sql", false, SCHEMAD_RUN_DIR "/content.sock", NULL },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options options = parse(cases[i].line);

        assert_int_equal(options.is_offline, cases[i].is_offline);
        if (cases[i].socket == NULL)
            assert_null(options.socket);
        else
            assert_string_equal(options.socket, cases[i].socket);
        assert_int_equal(options.scripts.count, cases[i].scripts != NULL);
        if (cases[i].scripts != NULL)
            assert_string_equal(options.scripts.items[0], cases[i].scripts);
    }
    assert_string_equal(parse("--url http://127.0.0.1:8420 current").url, "http://127.0.0.1:8420");
}

static void the_environment_stands_in_for_options(void **state)
{
    static const struct environment offline = { .database = "d", .scripts = "v:w" };
    static const struct environment daemon = { .socket = "s", .scripts = "v", .no_color = "1" };
    static const struct environment user = { .runtime_dir = "/run/user/1000" };
    static const struct environment tcp = { .url = "http://x", .token_file = "t" };
    struct str_list words = words_of("current");
    struct options options;
    struct error err = { 0 };

    (void) state;
    assert_true(options_parse(&words, &offline, &arena, &options, &err));
    assert_true(options.is_offline);
    assert_string_equal(options.database, "d");
    assert_string_equal(str_list_join(&options.scripts, " ", &arena), "v w");

    assert_true(options_parse(&words, &daemon, &arena, &options, &err));
    assert_false(options.is_offline);
    assert_string_equal(options.socket, "s");
    assert_int_equal(options.color, COLOR_NEVER);

    assert_true(options_parse(&words, &user, &arena, &options, &err));
    assert_string_equal(options.socket, "/run/user/1000/schemad/content.sock");

    assert_true(options_parse(&words, &tcp, &arena, &options, &err));
    assert_string_equal(options.url, "http://x");
    assert_string_equal(options.token_file, "t");
    words = words_of("--url http://y --token-file u current");
    assert_true(options_parse(&words, &tcp, &arena, &options, &err));
    assert_string_equal(options.url, "http://y");
    assert_string_equal(options.token_file, "u");
    words = words_of("--socket s current"); /* the token is for URLs */
    assert_true(options_parse(&words, &tcp, &arena, &options, &err));
    assert_null(options.token_file);

    words = words_of("revision");
    assert_true(options_parse(&words, &daemon, &arena, &options, &err));
    assert_false(options.is_offline);
    words = words_of("edit"); /* never asks a daemon */
    assert_true(options_parse(&words, &daemon, &arena, &options, &err));
    assert_true(options.is_offline);
    assert_null(options.socket);
    assert_string_equal(options.scripts.items[0], "v");

    words = words_of("--socket t --color always current");
    assert_true(options_parse(&words, &offline, &arena, &options, &err));
    assert_string_equal(options.socket, "t");
    assert_false(options.is_offline);
    assert_int_equal(options.color, COLOR_ALWAYS);
}

static void ways_that_exclude_each_other_are_refused(void **state)
{
    static const struct environment both[] = { { .database = "d", .socket = "s" },
                                               { .database = "d", .url = "http://x" },
                                               { .socket = "s", .url = "http://x" } };
    static const char *const lines[] = {
        "--socket s --url http://x current",
        "--socket s --database d current",
        "--url http://x --scripts v current",
        "--socket s --instance i current",
        "--scripts v current",
        "--scripts v upgrade",
        "--database d cancel 1",
        "--database d upgrade --no-wait",
        "--database d upgrade --retry 1s",
        "--database d upgrade --idempotency-key k",
        "--database d jobs --follow 1",
        "--database d events",
        "--database d denials",
        "--socket s init",
        "--socket s --token-file t current",
        "--socket s --state t current",
        "--state t current",
        "--socket s upgrade --allow-loss",
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        (void) parse_fails(lines[i], &no_environment);
    for (size_t i = 0; i < ARRAY_SIZE(both); i++)
        (void) parse_fails("current", &both[i]);
}

static void a_daemon_is_asked_patiently_and_under_one_key(void **state)
{
    static const struct {
        const char *line;
        uint32_t retry_ms;
    } cases[] = {
        { "upgrade", 10000 },
        { "upgrade --retry 0", 0 },
        { "upgrade --retry 90", 90000 },
        { "backup --retry 2m", 120000 },
        { "jobs --follow 1 --retry 5s", 5000 },
        { "events --retry 1h", 3600000 },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(parse(cases[i].line).retry_ms, cases[i].retry_ms);
    assert_null(parse("upgrade").idempotency_key);
    assert_string_equal(parse("stamp head --idempotency-key release-42").idempotency_key,
                        "release-42");
    assert_true(parse("upgrade --follow").follows);
    assert_true(parse("upgrade --no-wait").is_async);
    assert_false(parse("upgrade --wait").is_async);
}

static void a_new_script_is_described_in_full(void **state)
{
    struct options options;

    (void) state;
    options =
        parse("revision -m why --rev-id a1 --head b2 --splice --branch-label l --branch-label "
              "m --depends-on c --version-path v --sql-file f --file-template %(rev)s "
              "--slug-length 20 --timezone utc");
    assert_string_equal(options.message, "why");
    assert_string_equal(options.rev_id, "a1");
    assert_string_equal(options.head, "b2");
    assert_true(options.splices);
    assert_string_equal(str_list_join(&options.branch_labels, " ", &arena), "l m");
    assert_string_equal(str_list_join(&options.depends_on, " ", &arena), "c");
    assert_string_equal(options.version_path, "v");
    assert_string_equal(options.sql_file, "f");
    assert_string_equal(options.name_style.file_template, "%(rev)s");
    assert_int_equal(options.name_style.slug_length, 20);
    assert_true(options.is_utc);
    assert_false(parse("revision --timezone local").is_utc);
    assert_string_equal(parse("history --rev-range a:b").range, "a:b");
}

static void jobs_are_chosen(void **state)
{
    struct options all = parse("jobs");
    struct options some = parse("jobs --only failed --verb downgrade --limit 3");

    (void) state;
    assert_int_equal(all.jobs.limit, 50);
    assert_false(all.jobs.has_state || all.jobs.has_verb);
    assert_true(some.jobs.has_state && some.jobs.has_verb);
    assert_int_equal(some.jobs.state, JOB_FAILED);
    assert_int_equal(some.jobs.verb, VERB_DOWNGRADE);
    assert_int_equal(some.jobs.limit, 3);
}

static void a_token_needs_nobody(void **state)
{
    struct options options = parse("token create ci --access destroy --file f");

    (void) state;
    assert_int_equal(options.access, ACCESS_DESTROY);
    assert_string_equal(options.file, "f");
    assert_int_equal(parse("token create ci").access, ACCESS_OPERATE);
}

static void help_and_version_need_nothing_else(void **state)
{
    struct options options = parse("--help");

    (void) state;
    assert_true(options.wants_help);
    assert_false(options.has_command);
    options = parse("stamp --help");
    assert_true(options.wants_help);
    assert_true(options.has_command);
    assert_int_equal(options.command, COMMAND_STAMP);
    assert_true(parse("-h").wants_help);
    assert_true(parse("--version").wants_version);
}

static void every_command_is_found_by_its_name(void **state)
{
    (void) state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        enum command_id id = COMMAND_COUNT;
        struct error err = { 0 };

        assert_true(command_find(command_get((enum command_id) i)->name, &id, &err));
        assert_int_equal(id, i);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_that_look_like_options_are_operands),
        cmocka_unit_test(a_value_is_glued_or_follows),
        cmocka_unit_test(a_run_is_asked_for_in_full),
        cmocka_unit_test(an_empty_database_can_be_expected),
        cmocka_unit_test(times_have_units),
        cmocka_unit_test(mistakes_are_named_and_the_way_out_is_shown),
        cmocka_unit_test(options_decide_whom_to_ask),
        cmocka_unit_test(the_environment_stands_in_for_options),
        cmocka_unit_test(ways_that_exclude_each_other_are_refused),
        cmocka_unit_test(a_daemon_is_asked_patiently_and_under_one_key),
        cmocka_unit_test(a_new_script_is_described_in_full),
        cmocka_unit_test(jobs_are_chosen),
        cmocka_unit_test(a_token_needs_nobody),
        cmocka_unit_test(help_and_version_need_nothing_else),
        cmocka_unit_test(every_command_is_found_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, release_arena);
}
