/*
 * commands_read.c - the commands that only ask: each asks one question and prints the answer.
 */
#include "api/json_text.h"
#include "cli/json_read.h"
#include "cli/session.h"

bool session_ask(struct session *session, enum question_kind kind, const char *text,
                 json_t **ret_answer, struct error *err)
{
    struct question question = { .kind = kind, .text = text, .verb = VERB_UPGRADE };

    return session->transport.ask(session->transport.data, &question, ret_answer, err);
}

bool session_is_answered(struct session *session, const json_t *answer)
{
    if (session->options->is_json)
        print_json(&session->printer, answer);
    return session->options->is_json || session->options->is_quiet;
}

static const char *operand_of(const struct session *session)
{
    return session->options->operands.count > 0 ? session->options->operands.items[0] : NULL;
}

/* Lists hold lines; for entries each revision is asked for by its id. */
static bool expand(struct session *session, const json_t *list, json_t **ret_revisions,
                   struct error *err)
{
    json_t *revisions cleanup_json = json_array();
    size_t index = 0;
    const json_t *item = NULL;

    json_array_foreach(list, index, item)
    {
        const char *id = json_is_string(item) ? json_string_value(item) : json_text(item, "id");
        json_t *revision = NULL;

        if (!session_ask(session, ASK_REVISION, id, &revision, err))
            return false;
        json_push(&revisions, revision);
    }
    *ret_revisions = take_ptr(revisions);
    return true;
}

/* ---- Where the database is ---- */

/* Alembic cannot say where a database is whose rows it does not know, and neither can we: the
 * answer is printed, and the exit code says so. */
static bool judge_current(const json_t *current, struct error *err)
{
    const json_t *unknown = json_array_get(json_object_get(current, "unknown"), 0);

    if (json_has(current, "problem") && strcmp(json_text(current, "verdict"), "unknown") == 0) {
        error_of_json(json_object_get(current, "problem"), err);
        return false;
    }
    if (unknown == NULL)
        return true;
    error_set(err, ERR_DATABASE_REVISION_UNKNOWN,
              "the database records revision \"%s\", which no script declares",
              json_string_value(unknown));
    return error_hint(err, "Was it migrated by newer scripts? Install them; or record where it "
                           "really is with \"schemadctl stamp --purge REV\".");
}

/* The ids of the lines: the lines begin with them. */
static json_t *ids_of_lines(const json_t *lines)
{
    json_t *ids = json_array();
    size_t index = 0;
    const json_t *line = NULL;

    json_array_foreach(lines, index, line)
        json_push(&ids, json_of_str(str_sub(str_of(json_string_value(line)), 0,
                                            strcspn(json_string_value(line), " "))));
    return ids;
}

/* Alembic compares rows with heads; a head that another applied one depends on has no row, and the
 * database is at it all the same. */
static bool check_heads(struct session *session, const json_t *current, struct error *err)
{
    const char *verdict = json_text(current, "verdict");
    const json_t *heads = json_object_get(current, "heads");
    struct str_list names = { 0 };
    size_t index = 0;
    const json_t *head = NULL;

    if (!session->options->checks_heads || strcmp(verdict, "equal") == 0 ||
        json_array_size(heads) == 0)
        return true;
    json_array_foreach(heads, index, head)
        str_list_add(&names, session->arena,
                     json_string_value(head) != NULL ? json_string_value(head) : "");
    error_set(err, ERR_PRECONDITION_FAILED, "the database is not at every head (%s)",
              str_list_join(&names, ", ", session->arena));
    return error_hint(err, "\"schemadctl upgrade heads\" brings it there.");
}

static bool judge(struct session *session, const json_t *current, struct error *err)
{
    return judge_current(current, err) && check_heads(session, current, err);
}

bool command_current(struct session *session, struct error *err)
{
    json_t *current cleanup_json = NULL;
    json_t *revisions cleanup_json = NULL;

    if (!session_ask(session, ASK_CURRENT, NULL, &current, err))
        return false;
    if (session_is_answered(session, current))
        return judge(session, current, err);
    if (session->options->is_verbose) {
        json_t *ids cleanup_json = ids_of_lines(json_object_get(current, "lines"));

        if (!expand(session, ids, &revisions, err))
            return false;
    }
    print_current(&session->printer, current, revisions);
    return judge(session, current, err);
}

bool command_status(struct session *session, struct error *err)
{
    json_t *status cleanup_json = NULL;

    if (!session_ask(session, ASK_STATUS, NULL, &status, err))
        return false;
    if (!session_is_answered(session, status))
        print_status(&session->printer, status);
    return judge_current(json_object_get(status, "current"), err);
}

/* ---- The scripts ---- */

static bool is_unicode(const struct session *session)
{
    const char *locale = session->environment->locale;

    return locale != NULL &&
           (strcasestr(locale, "utf-8") != NULL || strcasestr(locale, "utf8") != NULL);
}

bool command_history(struct session *session, struct error *err)
{
    json_t *answer cleanup_json = NULL;
    json_t *entries cleanup_json = NULL;
    const json_t *list = NULL;

    if (!session_ask(session, ASK_HISTORY, session->options->range, &answer, err))
        return false;
    if (session_is_answered(session, answer))
        return true;
    list = json_object_get(answer, "revisions");
    if (session->options->is_verbose && !expand(session, list, &entries, err))
        return false;
    if (session->options->draws_graph)
        print_graph(&session->printer, entries != NULL ? entries : list,
                    session->options->shows_current, !is_unicode(session));
    else
        print_history(&session->printer, entries != NULL ? entries : list,
                      session->options->shows_current);
    return true;
}

bool command_heads(struct session *session, struct error *err)
{
    struct question question = {
        .kind = ASK_HEADS,
        .resolves_dependencies = session->options->resolves_dependencies,
    };
    json_t *answer cleanup_json = NULL;
    json_t *entries cleanup_json = NULL;
    const json_t *list = NULL;

    if (!session->transport.ask(session->transport.data, &question, &answer, err))
        return false;
    if (session_is_answered(session, answer))
        return true;
    list = json_object_get(answer, "heads");
    if (session->options->is_verbose && !expand(session, list, &entries, err))
        return false;
    print_heads(&session->printer, entries != NULL ? entries : list);
    return true;
}

bool command_show(struct session *session, struct error *err)
{
    const char *name = operand_of(session) != NULL ? operand_of(session) : "head";
    json_t *answer cleanup_json = NULL;
    const json_t *list = NULL;
    size_t index = 0;
    const json_t *revision = NULL;

    if (!session_ask(session, ASK_REVISIONS, name, &answer, err))
        return false;
    list = json_object_get(answer, "revisions");
    if (session_is_answered(session, json_array_size(list) == 1 ? json_array_get(list, 0) : answer))
        return true;
    json_array_foreach(list, index, revision) print_revision(&session->printer, revision);
    if (json_has(answer, "kept"))
        print_kept(&session->printer, json_object_get(answer, "kept"));
    return true;
}

bool command_branches(struct session *session, struct error *err)
{
    json_t *answer cleanup_json = NULL;

    if (!session_ask(session, ASK_BRANCHES, NULL, &answer, err))
        return false;
    if (!session_is_answered(session, answer))
        print_branches(&session->printer, json_object_get(answer, "branches"));
    return true;
}

bool command_plan(struct session *session, struct error *err)
{
    json_t *plan cleanup_json = NULL;
    struct question question = {
        .kind = ASK_PLAN,
        .text = operand_of(session),
        .verb = session->options->plans_down ? VERB_DOWNGRADE : VERB_UPGRADE,
    };

    if (!session->transport.ask(session->transport.data, &question, &plan, err))
        return false;
    if (!session_is_answered(session, plan))
        print_plan(&session->printer, plan);
    return true;
}

bool command_sql(struct session *session, enum verb verb, struct error *err)
{
    static const char *const usual[] = { [VERB_UPGRADE] = "head", [VERB_DOWNGRADE] = "-1" };
    const struct options *options = session->options;
    struct question question = {
        .kind = ASK_SQL,
        .text = operand_of(session) != NULL ? operand_of(session) : usual[verb],
        .verb = verb,
        .has_transaction = options->request.has_transaction,
        .transaction = options->request.transaction,
    };
    json_t *answer cleanup_json = NULL;

    if (!session->transport.ask(session->transport.data, &question, &answer, err))
        return false;
    if (!session_is_answered(session, answer))
        (void) fputs(json_text(answer, "sql"), session->printer.out);
    return true;
}

/* ---- What was done ---- */

static bool show_job(struct session *session, const char *id, struct error *err)
{
    json_t *job cleanup_json = NULL;

    if (!session_ask(session, ASK_JOB, id, &job, err))
        return false;
    if (!session_is_answered(session, job))
        print_job(&session->printer, job);
    return true;
}

bool command_jobs(struct session *session, struct error *err)
{
    json_t *answer cleanup_json = NULL;
    struct question question = { .kind = ASK_JOBS, .jobs = &session->options->jobs };
    const char *id = operand_of(session);

    if (id != NULL && session->options->follows)
        return command_follow(session, id, err);
    if (id != NULL)
        return show_job(session, id, err);
    if (!session->transport.ask(session->transport.data, &question, &answer, err))
        return false;
    if (!session_is_answered(session, answer))
        print_jobs(&session->printer, json_object_get(answer, "jobs"), session->arena);
    return true;
}

bool command_denials(struct session *session, struct error *err)
{
    json_t *answer cleanup_json = NULL;
    struct question question = { .kind = ASK_DENIALS, .limit = session->options->jobs.limit };

    if (!session->transport.ask(session->transport.data, &question, &answer, err))
        return false;
    if (!session_is_answered(session, answer))
        print_denials(&session->printer, json_object_get(answer, "denials"), session->arena);
    return true;
}

bool command_backups(struct session *session, struct error *err)
{
    json_t *answer cleanup_json = NULL;

    if (!session_ask(session, ASK_BACKUPS, NULL, &answer, err))
        return false;
    if (!session_is_answered(session, answer))
        print_backups(&session->printer, json_object_get(answer, "backups"), session->arena);
    return true;
}
