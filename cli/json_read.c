/*
 * json_read.c - tolerant readers of JSON members.
 */
#include "cli/json_read.h"

const char *json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

int64_t json_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (json_is_integer(value))
        return (int64_t) json_integer_value(value);
    return (int64_t) json_real_value(value);
}

bool json_truth(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

bool json_has(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return value != NULL && !json_is_null(value);
}

void error_of_json(const json_t *problem, struct error *ret)
{
    enum error_code code = error_code_find(json_text(problem, "code"));
    const char *statement = json_text(problem, "statement");
    struct source_pos pos = {
        .file = json_text(problem, "file"),
        .line = (unsigned) json_number(problem, "line"),
        .column = (unsigned) json_number(problem, "column"),
    };

    error_clear(ret);
    if (code == ERROR_CODE_COUNT || code == ERR_OK)
        code = ERR_INTERNAL;
    error_set(ret, code, "%s", json_text(problem, "detail"));
    if (pos.file[0] != '\0')
        error_at(ret, &pos);
    if (json_has(problem, "revision"))
        error_of_revision(ret, json_text(problem, "revision"));
    if (statement[0] != '\0')
        error_of_statement(ret, statement, strlen(statement));
    if (json_has(problem, "hint"))
        error_hint(ret, "%s", json_text(problem, "hint"));
    ret->sqlite_code = (int) json_number(problem, "sqlite_code");
}
