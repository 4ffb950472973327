/*
 * commands_check.c - `check`: what is amiss, for CI and for people.
 */
#include "api/json_text.h"
#include "cli/json_read.h"
#include "cli/session.h"

/* A database that only has to be upgraded is elsewhere; nobody waits for it here. */
static enum error_code code_of(enum error_code worst)
{
    return worst == ERR_NOT_READY ? ERR_PRECONDITION_FAILED : worst;
}

bool command_check(struct session *session, struct error *err)
{
    json_t *answer cleanup_json = NULL;
    const json_t *findings = NULL;
    struct error worst = { .code = ERR_OK };
    size_t count = 0;

    if (!session_ask(session, ASK_CHECK, NULL, &answer, err))
        return false;
    findings = json_object_get(answer, "findings");
    count = json_array_size(findings);
    if (!session_is_answered(session, answer))
        print_check(&session->printer, findings);
    if (count == 0)
        return true;
    error_of_json(json_array_get(findings, 0), &worst);
    return error_set(err, code_of(worst.code), "the check found %zu thing%s amiss", count,
                     count == 1 ? "" : "s");
}
