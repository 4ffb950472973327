/*
 * commands_complete.c - `completion` prints the shells' scripts, `complete` answers them.
 *
 * What a word can become depends on the words before it: a value of an option, an option, a
 * command, or what that command works on. Revisions and jobs are asked for where the command
 * itself would ask. Nothing here fails: a shell that completes has no place for an error.
 */
#include "api/json_text.h"
#include "cli/completion_bash.h"
#include "cli/completion_fish.h"
#include "cli/completion_zsh.h"
#include "cli/json_read.h"
#include "cli/offline.h"
#include "cli/remote.h"
#include "cli/session.h"

/* ---- The words before ---- */

struct completion {
    struct session *session;
    struct str_list where; /* the options that say whom to ask */
    bool has_command;
    enum command_id command;
    const char *option; /* whose value comes next; NULL: none's */
    const char *before; /* what stands before `word` in the last word: "--color=", "left@" */
    const char *word;   /* the beginning of what is wanted */
};

/* Words that always mean the same, separated by spaces. */
static const struct {
    const char *option;
    const char *words;
} values[] = {
    { "access", "read operate destroy" },
    { "backup", "always destructive never" },
    { "color", "auto always never" },
    { "for", "ready head" },
    { "only", "queued running succeeded failed cancelled interrupted" },
    { "timezone", "local utc" },
    { "transaction", "run revision" },
    { "verb", "upgrade downgrade stamp backup" },
};

static const char *const where_options[] = { "database", "instance",   "scripts", "socket",
                                             "state",    "token-file", "url" };

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* The option of a command, or of all, that a word names. */
static const struct option_help *find_option(const struct completion *completion, const char *word,
                                             struct arena *arena)
{
    const enum command_id *commands[] = { NULL,
                                          completion->has_command ? &completion->command : NULL };
    size_t len = strcspn(word, "=");

    for (size_t k = 0; k < ARRAY_SIZE(commands); k++) {
        size_t count = 0;
        const struct option_help *rows = options_help(commands[k], arena, &count);

        for (size_t i = 0; i < count; i++) {
            bool is_long = strncmp(word, "--", 2) == 0 && strlen(rows[i].name) == len - 2 &&
                           strncmp(rows[i].name, word + 2, len - 2) == 0;

            if (is_long || (word[1] == rows[i].letter && word[1] != '\0' && word[2] == '\0'))
                return &rows[i];
        }
    }
    return NULL;
}

static void take_option(struct completion *completion, const struct str_list *words, size_t *at)
{
    struct arena *arena = completion->session->arena;
    const char *word = words->items[*at];
    const struct option_help *option = find_option(completion, word, arena);
    bool is_glued = strchr(word, '=') != NULL;

    if (option == NULL || option->value == NULL)
        return;
    if (!is_glued && *at + 2 == words->count) {
        completion->option = option->name;
        return;
    }
    if (is_among(option->name, where_options, ARRAY_SIZE(where_options))) {
        str_list_add(&completion->where, arena, word);
        if (!is_glued)
            str_list_add(&completion->where, arena, words->items[*at + 1]);
    }
    *at += is_glued ? 0 : 1;
}

/* All words but the last. */
static void read_words(struct completion *completion, const struct str_list *words)
{
    struct error ignored = { .code = ERR_OK };

    for (size_t i = 0; i + 1 < words->count; i++) {
        const char *word = words->items[i];

        if (word[0] == '-' && !(word[1] >= '0' && word[1] <= '9'))
            take_option(completion, words, &i);
        else if (!completion->has_command)
            completion->has_command = command_find(word, &completion->command, &ignored);
    }
}

/* ---- Candidates ---- */

static void offer(const struct completion *completion, const char *text, const char *what)
{
    struct printer *printer = &completion->session->printer;

    if (strncmp(text, completion->word, strlen(completion->word)) == 0)
        print_format(printer, "%s%s\t%.*s\n", completion->before, text, (int) strcspn(what, "\n"),
                     what);
}

static void offer_words(const struct completion *completion, const char *words)
{
    struct str rest = str_of(words);

    while (rest.len > 0) {
        size_t space = str_find_char(rest, ' ', 0);

        offer(completion, arena_strndup(completion->session->arena, rest.ptr, space), "");
        rest = str_sub(rest, space + 1, rest.len);
    }
}

static void offer_commands(const struct completion *completion)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        const struct command *command = command_get((enum command_id) i);

        if (command->summary[0] != '\0')
            offer(completion, command->name, command->summary);
    }
}

static void offer_options(const struct completion *completion)
{
    struct arena *arena = completion->session->arena;
    const enum command_id *command = completion->has_command ? &completion->command : NULL;
    size_t count = 0;
    const struct option_help *rows = options_help(command, arena, &count);

    for (size_t i = 0; i < count; i++)
        offer(completion, arena_printf(arena, "--%s", rows[i].name), rows[i].text);
    if (command == NULL)
        return;
    rows = options_help(NULL, arena, &count);
    for (size_t i = 0; i < count; i++)
        offer(completion, arena_printf(arena, "--%s", rows[i].name), rows[i].text);
}

/* Ask as `name` with the same options would. */
static bool ask(const struct completion *completion, const char *name, enum question_kind kind,
                json_t **ret_answer)
{
    const struct session *session = completion->session;
    struct str_list words = completion->where;
    struct options options = { .command = COMMAND_COUNT };
    struct transport transport cleanup_transport = { .data = NULL };
    struct question question = { .kind = kind, .jobs = &options.jobs };
    struct error ignored = { .code = ERR_OK };

    str_list_add(&words, session->arena, name);
    if (!options_parse(&words, session->environment, session->arena, &options, &ignored))
        return false;
    return (options.is_offline ? offline_open(&options, session->arena, &transport, &ignored)
                               : remote_open(&options, session->arena, &transport, &ignored)) &&
           transport.ask(transport.data, &question, ret_answer, &ignored);
}

static void offer_labels(const struct completion *completion, const json_t *revisions)
{
    struct str_list known = { 0 };

    for (size_t i = 0; i < json_array_size(revisions); i++) {
        const json_t *labels = json_object_get(json_array_get(revisions, i), "labels");

        for (size_t k = 0; k < json_array_size(labels); k++) {
            const char *label = json_string_value(json_array_get(labels, k));

            if (label == NULL || str_list_has(&known, label))
                continue;
            str_list_add(&known, completion->session->arena, label);
            offer(completion, label, "branch label");
        }
    }
}

static void offer_revisions(const struct completion *completion)
{
    enum command_needs needs =
        completion->has_command ? command_get(completion->command)->needs : NEEDS_SCRIPTS;
    bool is_writing = needs == NEEDS_WRITING || needs == NEEDS_DIRECTORY;
    json_t *answer cleanup_json = NULL;
    const json_t *revisions = NULL;
    size_t index = 0;
    const json_t *revision = NULL;

    offer_words(completion, "head heads base current");
    if (!ask(completion, is_writing ? "revision" : "history", ASK_HISTORY, &answer))
        return;
    revisions = json_object_get(answer, "revisions");
    offer_labels(completion, revisions);
    json_array_foreach(revisions, index, revision)
        offer(completion, json_text(revision, "id"), json_text(revision, "message"));
}

static void offer_jobs(const struct completion *completion)
{
    json_t *answer cleanup_json = NULL;
    size_t index = 0;
    const json_t *job = NULL;

    if (!ask(completion, "jobs", ASK_JOBS, &answer))
        return;
    json_array_foreach(json_object_get(answer, "jobs"), index, job)
    {
        const json_t *run = json_object_get(job, "run");
        const char *what = arena_printf(completion->session->arena, "%s %s", json_text(run, "verb"),
                                        json_text(job, "state"));

        offer(completion, json_text(job, "id"), what);
    }
}

static void offer_values(const struct completion *completion)
{
    static const char *const of_revisions[] = { "depends-on", "expect", "for",
                                                "head",       "range",  "rev-range" };

    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        if (strcmp(values[i].option, completion->option) == 0)
            offer_words(completion, values[i].words);
    }
    if (is_among(completion->option, of_revisions, ARRAY_SIZE(of_revisions)))
        offer_revisions(completion);
}

static void offer_operands(const struct completion *completion)
{
    switch (completion->command) {
    case COMMAND_CANCEL:
    case COMMAND_JOBS:
        offer_jobs(completion);
        break;
    case COMMAND_COMPLETION:
        offer_words(completion, "bash zsh fish");
        break;
    case COMMAND_TOKEN:
        offer_words(completion, "create list revoke");
        break;
    case COMMAND_DOWNGRADE:
    case COMMAND_EDIT:
    case COMMAND_MERGE:
    case COMMAND_PLAN:
    case COMMAND_SHOW:
    case COMMAND_STAMP:
    case COMMAND_UPGRADE:
        offer_revisions(completion);
        break;
    default:
        break;
    }
}

/* A target is completed behind its last '@' or ':'. */
static void split_target(struct completion *completion)
{
    const char *at = strrchr(completion->word, '@');
    const char *colon = strrchr(completion->word, ':');
    const char *end = at > colon ? at : colon;

    if (end == NULL)
        return;
    completion->before = arena_printf(completion->session->arena, "%s%.*s", completion->before,
                                      (int) (end + 1 - completion->word), completion->word);
    completion->word = end + 1;
}

/* "--color=al": the value of the option, in one word with it. */
static void split_option(struct completion *completion, const char *word)
{
    struct arena *arena = completion->session->arena;
    const char *equals = strchr(word, '=');
    const struct option_help *option = find_option(completion, word, arena);

    if (strncmp(word, "--", 2) != 0 || equals == NULL || option == NULL || option->value == NULL)
        return;
    completion->option = option->name;
    completion->before = arena_strndup(arena, word, (size_t) (equals + 1 - word));
    completion->word = equals + 1;
}

bool command_complete(struct session *session, struct error *err)
{
    const struct str_list *words = &session->options->operands;
    struct completion completion = { .session = session, .before = "" };

    (void) err;
    completion.word = words->items[words->count - 1];
    read_words(&completion, words);
    split_option(&completion, completion.word);
    if (completion.option != NULL || completion.word[0] != '-')
        split_target(&completion);
    if (completion.option != NULL)
        offer_values(&completion);
    else if (completion.word[0] == '-')
        offer_options(&completion);
    else if (completion.has_command)
        offer_operands(&completion);
    else
        offer_commands(&completion);
    return true;
}

/* ---- The scripts ---- */

bool command_completion(struct session *session, struct error *err)
{
    static const struct {
        const char *shell;
        const unsigned char *script;
        size_t len;
    } scripts[] = {
        { "bash", completion_bash, sizeof(completion_bash) },
        { "fish", completion_fish, sizeof(completion_fish) },
        { "zsh", completion_zsh, sizeof(completion_zsh) },
    };
    const char *shell = session->options->operands.items[0];

    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        if (strcmp(scripts[i].shell, shell) == 0) {
            (void) fwrite(scripts[i].script, 1, scripts[i].len, session->printer.out);
            return true;
        }
    }
    error_set(err, ERR_ARGUMENT_INVALID, "there is no completion for \"%s\"", shell);
    return error_hint(err, "There is one for bash, fish and zsh.");
}
