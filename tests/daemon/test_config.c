/*
 * test_config.c - what a configuration file may say, and how what it may not is told.
 */
#include "tests/daemon/directory.h"

#include "base/attr.h"
#include "base/file.h"
#include "daemon/config.h"

static struct arena arena;

static int setup(void **state)
{
    (void) unsetenv("STATE_DIRECTORY");
    return directory_make(state);
}

static int teardown(void **state)
{
    arena_release(&arena);
    return directory_remove(state);
}

static bool read_text(const char *text, struct config *config, struct error *err)
{
    struct options options = { .instance = "content", .config_file = "c" };

    *err = (struct error){ .code = ERR_OK };
    directory_write("c", text, 0644);
    return config_read(&options, &arena, config, err);
}

static const char every_key[] = "# a comment\n"
                                "; another\n"
                                "[database]\n"
                                "path = data.db\n"
                                "scripts = one\n"
                                "  scripts = two ; three\n"
                                "state_directory=state\n"
                                "version_table = versions\n"
                                "[startup]\n"
                                "upgrade_to = c7f8a9b0d1e2\n"
                                "accept = aaaa..bbbb\n"
                                "on_failure = hold\r\n"
                                "\n"
                                "[run]\n"
                                "transaction = revision\n"
                                "backup = destructive\n"
                                "loss = allow\n"
                                "lock_timeout_ms = 7\n"
                                "[backup]\n"
                                "directory = elsewhere\n"
                                "keep = 0\n"
                                "[scripts]\n"
                                "writable = yes\n"
                                "file_template = %(year)d/%(rev)s_%(slug)s\n"
                                "slug_length = 20\n"
                                "timezone = utc\n"
                                "[http]\n"
                                "socket = s\n"
                                "tcp = 127.0.0.1:8420\n"
                                "token_file = tokens\n"
                                "read = www-data , 1000, @monitoring\n"
                                "operate = @content\n"
                                "destroy = dba\n"
                                "tcp_read = open\n"
                                "request_timeout_ms = 100\n"
                                "connections_max = 4\n"
                                "stop_timeout_ms = 1";

static void every_key_is_read(void **state)
{
    struct error err;
    struct config config;

    (void) state;
    assert_true(read_text(every_key, &config, &err));
    assert_string_equal(path_base(config.engine.database), "data.db");
    assert_int_equal(config.engine.scripts.count, 2);
    assert_string_equal(config.engine.scripts.items[1], "two ; three");
    assert_string_equal(config.engine.state_directory, "state");
    assert_string_equal(config.engine.version_table, "versions");
    assert_string_equal(config.upgrade_to, "c7f8a9b0d1e2");
    assert_string_equal(config.accept, "aaaa..bbbb");
    assert_string_equal(config.accept_range.from, "aaaa");
    assert_string_equal(config.accept_range.to, "bbbb");
    assert_int_equal(config.on_failure, ON_FAILURE_HOLD);
    assert_int_equal(config.engine.transaction, TRANSACTION_REVISION);
    assert_int_equal(config.engine.backup, BACKUP_DESTRUCTIVE);
    assert_true(config.engine.allows_loss);
    assert_int_equal(config.engine.lock_timeout_ms, 7);
    assert_string_equal(config.engine.backup_directory, "elsewhere");
    assert_int_equal(config.engine.backup_keep, 0);
    assert_true(config.scripts.is_writable);
    assert_string_equal(config.scripts.name_style.file_template, "%(year)d/%(rev)s_%(slug)s");
    assert_int_equal(config.scripts.name_style.slug_length, 20);
    assert_true(config.scripts.is_utc);
    assert_string_equal(config.socket, "s");
    assert_string_equal(config.tcp, "127.0.0.1:8420");
    assert_string_equal(config.token_file, "tokens");
    assert_int_equal(config.peers.read.count, 3);
    assert_string_equal(config.peers.read.items[0], "www-data");
    assert_string_equal(config.peers.read.items[1], "1000");
    assert_string_equal(config.peers.read.items[2], "@monitoring");
    assert_string_equal(config.peers.operate.items[0], "@content");
    assert_string_equal(config.peers.destroy.items[0], "dba");
    assert_true(config.tcp_reads_openly);
    assert_int_equal(config.request_timeout_ms, 100);
    assert_int_equal(config.connections_max, 4);
    assert_int_equal(config.stop_timeout_ms, 1);
}

static void an_empty_file_means_the_defaults(void **state)
{
    struct error err;
    struct config config;

    (void) state;
    assert_true(read_text("", &config, &err));
    assert_string_equal(path_base(config.engine.database), "content.db");
    assert_int_equal(config.engine.scripts.count, 1);
    assert_non_null(strstr(config.engine.scripts.items[0], "/schemad/content/versions"));
    assert_string_equal(config.engine.version_table, "alembic_version");
    assert_string_equal(config.upgrade_to, "head");
    assert_int_equal(config.on_failure, ON_FAILURE_EXIT);
    assert_int_equal(config.engine.backup, BACKUP_ALWAYS);
    assert_int_equal(config.engine.transaction, TRANSACTION_RUN);
    assert_false(config.engine.allows_loss);
    assert_int_equal(config.engine.backup_keep, 10);
    assert_false(config.scripts.is_writable);
    assert_null(config.scripts.name_style.file_template);
    assert_int_equal(config.scripts.name_style.slug_length, 40);
    assert_false(config.scripts.is_utc);
    assert_true(config.is_socket_default);
    assert_non_null(strstr(config.socket, "/schemad/content.sock"));
    assert_null(config.tcp);
    assert_null(config.token_file);
    assert_null(config.accept);
    assert_int_equal(config.peers.read.count, 1);
    assert_string_equal(config.peers.read.items[0], "*");
    assert_int_equal(config.peers.operate.count + config.peers.destroy.count, 0);
    assert_false(config.tcp_reads_openly);
    assert_int_equal(config.stop_timeout_ms, 60000);
}

static void a_list_of_nobody_can_be_said(void **state)
{
    struct error err;
    struct config config;

    (void) state;
    assert_true(read_text("[http]\nread =\noperate =\n", &config, &err));
    assert_int_equal(config.peers.read.count + config.peers.operate.count, 0);
}

static void a_mistake_is_told_with_its_line_and_what_was_meant(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *detail;
        const char *hint;
    } cases[] = {
        { "[datbase]\n", 1, "unknown section [datbase]", "Did you mean 'database'?" },
        { "[nonsense]", 1, "unknown section [nonsense]", "[http]" },
        { "\n\n[run]\nbakup = always\n", 4, "unknown key 'bakup' in section [run]",
          "Did you mean 'backup'?" },
        { "[run]\nkeep = 3\n", 2, "unknown key 'keep'", "belongs into section [backup]" },
        { "[run]\nzzzzzzzzzz = 3\n", 2, "unknown key", "schemad.conf(5)" },
        { "path = x\n", 1, "'path' stands before any section", "" },
        { "[run\nbackup = never\n", 1, "section is not closed by ']'", "" },
        { "[run]\nbackup\n", 2, "line is not 'key = value'", "" },
        { "[run]\n\nbackup =\n", 3, "'backup' has no value", "" },
        { "[run]\nbackup = sometimes\n", 2, "'sometimes' is not one of always|destructive|never",
          "" },
        { "[startup]\non_failure = retry\n", 2, "'retry' is not one of exit|hold", "" },
        { "[startup]\nupgrade_to = +1\n", 2, "'+1' is relative", "head, heads or none" },
        { "[backup]\nkeep = -1\n", 2, "'-1' is not a number from 0 to 100000", "" },
        { "[backup]\nkeep = 10 # ten\n", 2, "'10 # ten' is not a number", "" },
        { "[http]\nconnections_max = 3\n", 2, "'3' is not a number from 4 to 65536", "" },
        { "[http]\ntcp = 0.0.0.0:80\n", 2, "is not a loopback address", "127.0.0.1" },
        { "[startup]\naccept = aaaa\n", 2, "aaaa", "" },
        { "[startup]\naccept = a..b..c\n", 2, "a..b..c", "" },
        { "[startup]\n\naccept = ..\n", 3, "..", "" },
        { "[scripts]\nwritable = maybe\n", 2, "'maybe' is not one of no|yes", "" },
        { "[scripts]\nslug_length = 0\n", 2, "'0' is not a number from 1 to 200", "" },
        { "[scripts]\ntimezone = Europe/Berlin\n", 2, "is not one of local|utc", "" },
        { "[scripts]\n\nfile_template = %(revision)s\n", 3, "%(revision)s", "%(rev)s" },
        { "[scripts]\nfile_template = .%(rev)s\n", 2, "would not be read", "are hidden" },
        { "[http]\noperate = a,,b\n", 2, "a name is missing in 'a,,b'", "" },
        { "[http]\nusers = a\n", 2, "unknown key 'users' in section [http]", "schemad.conf(5)" },
        { "[http]\ntcp_read = closed\n", 2, "'closed' is not one of token|open", "" },
        { "[run]\nbackup = never\n[backup]\n[run]\nbackup = always\n", 5,
          "'backup' is set twice, first in line 2", "" },
    };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err;
        struct config config;

        assert_false(read_text(cases[i].text, &config, &err));
        assert_int_equal(err.code, ERR_CONFIG_INVALID);
        assert_non_null(strstr(err.detail, cases[i].detail));
        assert_non_null(strstr(err.hint, cases[i].hint));
        assert_string_equal(err.file, "c");
        assert_int_equal(err.line, cases[i].line);
    }
}

static void a_long_line_is_read_whole_or_refused(void **state)
{
    char text[6000];
    struct error err;
    struct config config;

    (void) state;
    (void) snprintf(text, sizeof(text), "[backup]\ndirectory = %03000d\n", 0);
    assert_true(read_text(text, &config, &err));
    assert_int_equal(strlen(config.engine.backup_directory), 3000);
    (void) snprintf(text, sizeof(text), "[backup]\ndirectory = %05000d\n", 0);
    assert_false(read_text(text, &config, &err));
    assert_int_equal(err.code, ERR_CONFIG_INVALID);
    assert_int_equal(err.line, 2);
}

static void the_command_line_overrides_the_file(void **state)
{
    struct options options = {
        .instance = "content",
        .config_file = "c",
        .settings = { { "--scripts", "database", "scripts", "three" },
                      { "--scripts", "database", "scripts", "four" },
                      { "--upgrade-to", "startup", "upgrade_to", "none" } },
        .setting_count = 3,
    };
    struct error err = { .code = ERR_OK };
    struct config config;

    (void) state;
    directory_write("c", "[database]\nscripts = one\nscripts = two\n[startup]\nupgrade_to = x\n",
                    0644);
    assert_true(config_read(&options, &arena, &config, &err));
    assert_int_equal(config.engine.scripts.count, 2);
    assert_string_equal(config.engine.scripts.items[0], "three");
    assert_string_equal(config.engine.scripts.items[1], "four");
    assert_string_equal(config.upgrade_to, "none");
}

static void an_option_with_a_bad_value_is_named(void **state)
{
    struct options options = {
        .instance = "content",
        .settings = { { "--on-failure", "startup", "on_failure", "perhaps" } },
        .setting_count = 1,
    };
    struct error err = { .code = ERR_OK };
    struct config config;

    (void) state;
    assert_false(config_read(&options, &arena, &config, &err));
    assert_int_equal(err.code, ERR_ARGUMENT_INVALID);
    assert_string_equal(err.detail, "--on-failure: 'perhaps' is not one of exit|hold");
}

static void a_file_that_was_asked_for_must_be_there(void **state)
{
    struct options options = { .instance = "content", .config_file = "missing.conf" };
    struct error err = { .code = ERR_OK };
    struct config config;

    (void) state;
    assert_false(config_read(&options, &arena, &config, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.detail, "missing.conf"));
}

static void the_first_state_directory_of_systemd_is_the_home(void **state)
{
    struct options options = { .instance = "other" };
    struct error err = { .code = ERR_OK };
    struct config config;

    (void) state;
    assert_int_equal(mkdir("state", 0700), 0);
    assert_int_equal(setenv("STATE_DIRECTORY", "state:more", 1), 0);
    assert_true(config_read(&options, &arena, &config, &err));
    assert_non_null(strstr(config.engine.database, "state/other.db"));
    assert_string_equal(config.engine.state_directory, "state");
    assert_int_equal(unsetenv("STATE_DIRECTORY"), 0);
}

static void an_instance_is_a_file_name(void **state)
{
    static const char *const bad[] = { "", "../x", ".x", "-x", "a/b", "a b" };

    (void) state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct options options = { .instance = bad[i] };
        struct error err = { .code = ERR_OK };
        struct config config;

        assert_false(config_read(&options, &arena, &config, &err));
        assert_int_equal(err.code, ERR_ARGUMENT_INVALID);
    }
}

#define config_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        config_test(every_key_is_read),
        config_test(an_empty_file_means_the_defaults),
        config_test(a_list_of_nobody_can_be_said),
        config_test(a_mistake_is_told_with_its_line_and_what_was_meant),
        config_test(a_long_line_is_read_whole_or_refused),
        config_test(the_command_line_overrides_the_file),
        config_test(an_option_with_a_bad_value_is_named),
        config_test(a_file_that_was_asked_for_must_be_there),
        config_test(the_first_state_directory_of_systemd_is_the_home),
        config_test(an_instance_is_a_file_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
