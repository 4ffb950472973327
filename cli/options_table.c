/*
 * options_table.c - one row an option, and what values are taken for.
 */
#include "cli/options_table.h"

#include "base/duration.h"

#include <assert.h>
#include <stddef.h>

#define BIT(command)     (1u << (COMMAND_##command))
#define RUN_COMMANDS     (BIT(UPGRADE) | BIT(DOWNGRADE) | BIT(STAMP))
#define JOB_COMMANDS     (RUN_COMMANDS | BIT(BACKUP) | BIT(ENSURE_VERSION))
#define WATCHED_COMMANDS (JOB_COMMANDS | BIT(RESET))
#define NEW_COMMANDS     (BIT(REVISION) | BIT(CREATE))
#define SCRIPT_COMMANDS  (NEW_COMMANDS | BIT(MERGE))

#define LIMIT_MAX       1000
#define SLUG_LENGTH_MAX 200

static_assert(COMMAND_COUNT < 32, "a set of commands is a word of bits");

static bool take_backup(struct options *options, const char *value, struct arena *arena,
                        struct error *err)
{
    (void) arena;
    if (!backup_policy_find(value, &options->request.backup))
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "--backup is \"always\", \"destructive\" or \"never\", not \"%s\"", value);
    options->request.has_backup = true;
    return true;
}

static bool take_transaction(struct options *options, const char *value, struct arena *arena,
                             struct error *err)
{
    (void) arena;
    if (!transaction_mode_find(value, &options->request.transaction))
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "--transaction is \"run\" or \"revision\", not \"%s\"", value);
    options->request.has_transaction = true;
    return true;
}

static bool take_color(struct options *options, const char *value, struct arena *arena,
                       struct error *err)
{
    static const char *const names[] = { "auto", "always", "never" };

    (void) arena;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            options->color = (enum color_mode) i;
            return true;
        }
    }
    return error_set(err, ERR_ARGUMENT_INVALID,
                     "--color is \"auto\", \"always\" or \"never\", not \"%s\"", value);
}

/* Revisions, separated by commas or by repeating the option; nothing or "base" is no revision. */
static bool take_expect(struct options *options, const char *value, struct arena *arena,
                        struct error *err)
{
    struct str rest = str_of(value);

    (void) err;
    options->request.has_expect = true;
    while (rest.len > 0) {
        size_t comma = str_find_char(rest, ',', 0);
        struct str id = str_trim(str_sub(rest, 0, comma));
        const char *text = arena_strndup(arena, id.ptr, id.len);

        if (id.len > 0 && !str_is(id, "base") && !str_list_has(&options->request.expect, text))
            str_list_add(&options->request.expect, arena, text);
        rest = str_sub(rest, comma + 1, rest.len);
    }
    return true;
}

bool option_duration(const char *name, const char *value, uint32_t unit_ms, uint32_t *ret_ms,
                     struct error *err)
{
    return duration_parse(str_of(value), unit_ms, ret_ms) ||
           error_set(err, ERR_ARGUMENT_INVALID,
                     "--%s takes a duration such as 500ms, 30s or 5m, not \"%s\"", name, value);
}

static bool take_lock_timeout(struct options *options, const char *value, struct arena *arena,
                              struct error *err)
{
    (void) arena;
    return option_duration("lock-timeout", value, 1, &options->request.lock_timeout_ms, err);
}

static bool take_retry(struct options *options, const char *value, struct arena *arena,
                       struct error *err)
{
    (void) arena;
    return option_duration("retry", value, 1000, &options->retry_ms, err);
}

/* What the daemon would refuse, and what could not stand in a header. */
static bool take_idempotency_key(struct options *options, const char *value, struct arena *arena,
                                 struct error *err)
{
    size_t len = strlen(value);
    bool is_fine = len >= 1 && len <= IDEMPOTENCY_KEY_MAX;

    (void) arena;
    for (size_t i = 0; i < len; i++)
        is_fine = is_fine && value[i] > ' ' && value[i] <= '~';
    if (!is_fine)
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "--idempotency-key is 1 to %d visible ASCII characters",
                         IDEMPOTENCY_KEY_MAX);
    options->idempotency_key = value;
    return true;
}

static bool take_only(struct options *options, const char *value, struct arena *arena,
                      struct error *err)
{
    (void) arena;
    options->jobs.has_state = true;
    return job_state_find(value, &options->jobs.state) ||
           error_set(err, ERR_ARGUMENT_INVALID,
                     "--only is \"queued\", \"running\", \"succeeded\", \"failed\", "
                     "\"cancelled\" or \"interrupted\", not \"%s\"",
                     value);
}

static bool take_verb(struct options *options, const char *value, struct arena *arena,
                      struct error *err)
{
    (void) arena;
    options->jobs.has_verb = true;
    return verb_find(value, &options->jobs.verb) ||
           error_set(err, ERR_ARGUMENT_INVALID,
                     "--verb is \"upgrade\", \"downgrade\", \"stamp\" or \"backup\", "
                     "not \"%s\"",
                     value);
}

static bool take_limit(struct options *options, const char *value, struct arena *arena,
                       struct error *err)
{
    uint64_t limit = 0;

    (void) arena;
    if (!str_to_u64(str_of(value), LIMIT_MAX, &limit) || limit == 0)
        return error_set(err, ERR_ARGUMENT_INVALID, "--limit is 1 to %d, not \"%s\"", LIMIT_MAX,
                         value);
    options->jobs.limit = (unsigned) limit;
    return true;
}

static bool take_slug_length(struct options *options, const char *value, struct arena *arena,
                             struct error *err)
{
    uint64_t length = 0;

    (void) arena;
    if (!str_to_u64(str_of(value), SLUG_LENGTH_MAX, &length) || length == 0)
        return error_set(err, ERR_ARGUMENT_INVALID, "--slug-length is 1 to %d, not \"%s\"",
                         SLUG_LENGTH_MAX, value);
    options->name_style.slug_length = (unsigned) length;
    return true;
}

static bool take_timezone(struct options *options, const char *value, struct arena *arena,
                          struct error *err)
{
    (void) arena;
    options->is_utc = strcmp(value, "utc") == 0;
    return options->is_utc || strcmp(value, "local") == 0 ||
           error_set(err, ERR_ARGUMENT_INVALID, "--timezone is \"local\" or \"utc\", not \"%s\"",
                     value);
}

static bool take_access(struct options *options, const char *value, struct arena *arena,
                        struct error *err)
{
    (void) arena;
    options->has_access = true;
    return access_find(value, &options->access) ||
           error_set(err, ERR_ARGUMENT_INVALID,
                     "--access is \"read\", \"operate\" or \"destroy\", not \"%s\"", value);
}

#define FLAG(member) .flag = offsetof(struct options, member)
#define TEXT(member) .text = offsetof(struct options, member)
#define LIST(member) .list = offsetof(struct options, member)

/* Alphabetical. */
const struct option option_table[] = {
    { "access", 0, "CLASS", BIT(TOKEN), "what it may: read, operate (the default) or destroy",
      .take = take_access },
    { "allow-loss", 0, NULL, RUN_COMMANDS | BIT(RESET),
      "go on when something is lost that no statement names", FLAG(allows_loss) },
    { "backup", 0, "WHEN", RUN_COMMANDS, "back up before: always, destructive or never",
      .take = take_backup },
    { "branch-label", 0, "LABEL", SCRIPT_COMMANDS, "give the branch a name; may be repeated",
      LIST(branch_labels) },
    { "check-heads", 0, NULL, BIT(CURRENT), "fail unless the database is at every head",
      FLAG(checks_heads) },
    { "color", 0, "WHEN", ALL_COMMANDS, "auto (on a terminal), always or never",
      .take = take_color },
    { "database", 0, "FILE", ALL_COMMANDS, "work on this database without a daemon",
      TEXT(database) },
    { "depends-on", 0, "REV", NEW_COMMANDS, "need this revision too; may be repeated",
      LIST(depends_on) },
    { "down", 0, NULL, BIT(PLAN), "plan a downgrade", FLAG(plans_down) },
    { "dry-run", 0, NULL, JOB_COMMANDS, "plan and check, but change nothing",
      FLAG(request.is_dry_run) },
    { "expect", 0, "REV", RUN_COMMANDS, "refuse unless the database is exactly there",
      .take = take_expect },
    { "file", 0, "PATH", BIT(TOKEN), "the daemon's token file", TEXT(file) },
    { "file-template", 0, "NAME", SCRIPT_COMMANDS, "name of the file (%(rev)s_%(slug)s)",
      TEXT(name_style.file_template) },
    { "follow", 0, NULL, WATCHED_COMMANDS | BIT(JOBS), "say every phase and step as it happens",
      FLAG(follows) },
    { "for", 0, "WHAT", BIT(WAIT), "ready (the default), head, or a revision", TEXT(wait_for) },
    { "graph", 0, NULL, BIT(HISTORY), "draw branches and merges", FLAG(draws_graph) },
    { "head", 0, "REV", NEW_COMMANDS, "continue this revision; \"base\" begins anew", TEXT(head) },
    { "help", 'h', NULL, ALL_COMMANDS, "print this", FLAG(wants_help) },
    { "idempotency-key", 0, "KEY", JOB_COMMANDS, "the same key, the same run (default: random)",
      .take = take_idempotency_key },
    { "indicate-current", 'i', NULL, BIT(HISTORY), "mark where the database is",
      FLAG(shows_current) },
    { "instance", 0, "NAME", ALL_COMMANDS, "ask the daemon of this name (default: content)",
      TEXT(instance) },
    { "json", 0, NULL, ALL_COMMANDS, "print JSON, as the daemon would answer", FLAG(is_json) },
    { "limit", 0, "N", BIT(JOBS) | BIT(DENIALS), "at most so many (default: 50)",
      .take = take_limit },
    { "lock-timeout", 0, "TIME", WATCHED_COMMANDS, "wait so long for locks",
      .take = take_lock_timeout },
    { "message", 'm', "TEXT", BIT(REVISION) | BIT(MERGE), "what the revision does", TEXT(message) },
    { "no-pager", 0, NULL, ALL_COMMANDS, "print long answers as they are", FLAG(has_no_pager) },
    { "no-wait", 0, NULL, JOB_COMMANDS, "queue it, print the job and leave", FLAG(is_async) },
    { "only", 0, "STATE", BIT(JOBS), "queued, running, succeeded, failed, cancelled, interrupted",
      .take = take_only },
    { "purge", 0, NULL, BIT(STAMP), "forget all version rows first, unknown ones too",
      FLAG(request.purge) },
    { "quiet", 'q', NULL, ALL_COMMANDS, "print errors only", FLAG(is_quiet) },
    { "range", 'r', "A:B", BIT(HISTORY), "only from A to B; either may be left out", TEXT(range) },
    { "reason", 0, "TEXT", WATCHED_COMMANDS, "why, for the journal", TEXT(request.reason) },
    { "resolve-dependencies", 0, NULL, BIT(HEADS), "leave out heads that others depend on",
      FLAG(resolves_dependencies) },
    { "retry", 0, "TIME", WATCHED_COMMANDS | BIT(JOBS) | BIT(EVENTS),
      "go on after a lost connection for so long (10s; 0: not)", .take = take_retry },
    { "rev-id", 0, "ID", SCRIPT_COMMANDS, "its id (default: random)", TEXT(rev_id) },
    { "rev-range", 0, "A:B", BIT(HISTORY), "the same as --range", TEXT(range) },
    { "scripts", 0, "DIR", ALL_COMMANDS, "directory of scripts; may be repeated", LIST(scripts) },
    { "slug-length", 0, "N", SCRIPT_COMMANDS, "of the message in the file's name (40)",
      .take = take_slug_length },
    { "socket", 0, "PATH", ALL_COMMANDS, "ask the daemon on this unix socket", TEXT(socket) },
    { "splice", 0, NULL, SCRIPT_COMMANDS, "continue what is not a head: makes a branch",
      FLAG(splices) },
    { "sql", 0, NULL, RUN_COMMANDS, "print it as a script for sqlite3, and run nothing",
      FLAG(prints_sql) },
    { "sql-file", 0, "FILE", NEW_COMMANDS, "put the SQL of this file into it", TEXT(sql_file) },
    { "state", 0, "DIR", ALL_COMMANDS, "journal and backups (default: FILE.schemad)", TEXT(state) },
    { "timeout", 0, "TIME", WATCHED_COMMANDS | BIT(WAIT), "give up after so long: 500ms, 30s, 5m",
      TEXT(timeout) },
    { "timezone", 0, "ZONE", SCRIPT_COMMANDS, "of its date: local (the default) or utc",
      .take = take_timezone },
    { "token-file", 0, "FILE", ALL_COMMANDS, "bearer token for --url", TEXT(token_file) },
    { "transaction", 0, "MODE", RUN_COMMANDS,
      "run (all or nothing) or revision (commit after each)", .take = take_transaction },
    { "url", 0, "URL", ALL_COMMANDS, "ask the daemon at http://127.0.0.1:PORT", TEXT(url) },
    { "verb", 0, "VERB", BIT(JOBS), "upgrade, downgrade, stamp or backup", .take = take_verb },
    { "verbose", 'v', NULL, ALL_COMMANDS, "print details", FLAG(is_verbose) },
    { "version", 0, NULL, ALL_COMMANDS, "print the version", FLAG(wants_version) },
    { "version-path", 0, "DIR", NEW_COMMANDS, "which of the --scripts it goes to",
      TEXT(version_path) },
    { "wait", 0, NULL, JOB_COMMANDS, "wait for its end (the default)", FLAG(waits) },
    { "yes", 'y', NULL, BIT(RESET), "do not ask", FLAG(is_confirmed) },
    { .name = NULL },
};

static_assert(ARRAY_SIZE(option_table) <= OPTION_COUNT_MAX + 1,
              "a set of options is a word of bits");
