/*
 * commands_token.c - bearer tokens for a daemon's TCP port: made, listed, revoked. Works on a file;
 * nobody is asked.
 */
#include "api/json.h"
#include "api/json_text.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/token_file.h"

static const char *name_of(const struct session *session)
{
    const struct str_list *operands = &session->options->operands;

    return operands->count > 1 ? operands->items[1] : NULL;
}

static bool refuse_words(const char *usage, struct error *err)
{
    error_set(err, ERR_ARGUMENT_INVALID, "\"token\" does not understand these words");
    return error_hint(err, "Usage: schemadctl token %s", usage);
}

/* ---- Create ---- */

struct new_token {
    const char *name;
    enum access access;
    char secret[TOKEN_SECRET_SIZE];
    char line[TOKEN_LINE_SIZE];
};

static bool make(const struct session *session, struct new_token *ret, struct error *err)
{
    *ret = (struct new_token){ .name = name_of(session), .access = session->options->access };
    if (ret->name == NULL)
        return refuse_words("create NAME [--access CLASS] [--file PATH]", err);
    if (!token_name_is_valid(ret->name))
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "\"%s\" is no name of a token: 1 to %d letters, digits, '-', '.', '_'",
                         ret->name, TOKEN_NAME_MAX);
    if (!token_secret_new(ret->secret, err))
        return false;
    token_line_format(ret->name, ret->access, ret->secret, ret->line);
    return true;
}

static json_t *json_of_token(const char *name, enum access access)
{
    json_t *object = json_object();

    json_put(&object, "name", json_of_text(name));
    json_put(&object, "access", json_of_text(access_name(access)));
    return object;
}

/* The secret stands on the first line, alone, for $( ). Also with --quiet: nobody can tell it a
 * second time. */
static void print_secret(struct session *session, const struct new_token *token)
{
    const char *file = session->options->file;

    if (session->options->is_json) {
        json_t *answer cleanup_json = json_of_token(token->name, token->access);

        json_put(&answer, "secret", json_of_text(token->secret));
        json_put(&answer, "line", json_of_text(token->line));
        print_json(&session->printer, answer);
        return;
    }
    print_format(&session->printer, "%s\n", token->secret);
    if (file == NULL)
        print_format(&session->printer, "%s\n", token->line);
}

static bool create(struct session *session, struct error *err)
{
    const char *file = session->options->file;
    struct new_token token;

    if (!make(session, &token, err) ||
        (file != NULL && !token_file_add(file, token.name, token.line, err)))
        return false;
    print_secret(session, &token);
    print_note(&session->printer,
               file != NULL ? "the secret is shown this once; the daemon knows it once it is "
                              "reloaded (SIGHUP)"
                            : "the secret is shown this once; the second line is for the daemon's "
                              "token file");
    return true;
}

/* ---- List, revoke ---- */

static void print_tokens(struct session *session, const struct token_list *tokens)
{
    struct table table = { .columns = 2 };

    for (size_t i = 0; i < tokens->count; i++) {
        table_add(&table, session->arena, tokens->items[i].name);
        table_add(&table, session->arena, access_name(tokens->items[i].access));
    }
    print_text(&session->printer, TINT_NONE, table_format(&table, session->arena));
}

static json_t *json_of_tokens(const struct token_list *tokens)
{
    json_t *object = json_object();
    json_t *array = json_array();

    for (size_t i = 0; i < tokens->count; i++)
        json_push(&array, json_of_token(tokens->items[i].name, tokens->items[i].access));
    json_put(&object, "tokens", array);
    return object;
}

static bool list(struct session *session, struct error *err)
{
    json_t *answer cleanup_json = NULL;
    struct token_list tokens;

    if (name_of(session) != NULL || session->options->file == NULL)
        return refuse_words("list --file PATH", err);
    if (!token_file_read(session->options->file, session->arena, &tokens, err))
        return false;
    answer = json_of_tokens(&tokens);
    if (session->options->is_json)
        print_json(&session->printer, answer);
    else if (!session->options->is_quiet)
        print_tokens(session, &tokens);
    return true;
}

static bool revoke(struct session *session, struct error *err)
{
    const char *name = name_of(session);
    json_t *answer cleanup_json = json_object();

    if (name == NULL || session->options->file == NULL)
        return refuse_words("revoke NAME --file PATH", err);
    if (!token_file_remove(session->options->file, name, err))
        return false;
    json_put(&answer, "revoked", json_of_text(name));
    if (session->options->is_json)
        print_json(&session->printer, answer);
    print_note(&session->printer, "the daemon goes on taking it until it is reloaded (SIGHUP)");
    return true;
}

bool command_token(struct session *session, struct error *err)
{
    static const struct {
        const char *name;
        bool (*run)(struct session *session, struct error *err);
    } verbs[] = { { "create", create }, { "list", list }, { "revoke", revoke } };
    const char *verb = session->options->operands.items[0];

    if (session->options->has_access && strcmp(verb, "create") != 0)
        return error_set(err, ERR_ARGUMENT_INVALID, "\"token %s\" does not take --access", verb);
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(verbs[i].name, verb) == 0)
            return verbs[i].run(session, err);
    }
    return refuse_words("create NAME | list | revoke NAME", err);
}
