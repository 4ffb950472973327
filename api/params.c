/*
 * params.c - arguments of runs and scripts: one table of names, each with who takes it and how it
 * is read.
 *
 * Query parameters are made JSON texts, so that one set of readers serves both; a text from the
 * query may stand for a boolean or a number, in a body it may not.
 */
#include "api/params.h"

#include "api/json_text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* Who takes an argument: a verb's run, its plan, or one of the others. */
#define BIT(verb)  (1u << (verb))
#define UP_DOWN    (BIT(VERB_UPGRADE) | BIT(VERB_DOWNGRADE))
#define MOVES      (UP_DOWN | BIT(VERB_STAMP))
#define ALL        (MOVES | BIT(VERB_BACKUP))
#define PLAN(runs) ((runs) << 8)
#define SQL        (1u << 16)
#define REVISION   (1u << 17)
#define MERGE      (1u << 18)
#define SCRIPTS    (REVISION | MERGE)

/* Where an argument is being read. */
struct reader {
    unsigned taker;               /* one bit of the above */
    const char *taker_name;       /* what it is called in an error */
    struct run_request *run;      /* what is read; NULL for a script */
    struct script_params *script; /* likewise; NULL for a run */
    struct arena *arena;
    const char *name;
    bool is_query;
    bool has_no_targets; /* a list of none was given */
    unsigned seen;       /* bits by place in the table */
};

static bool must_be(const struct reader *reader, struct error *err, const char *what)
{
    return error_set(err, ERR_ARGUMENT_INVALID, "argument '%s' must be %s", reader->name, what);
}

/* ---- Types ---- */

/* Texts end up in logs, in the journal and on terminals. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.ptr[i];

        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

static bool length_check(const struct reader *reader, struct str text, size_t max,
                         struct error *err)
{
    return text.len <= max ||
           error_set(err, ERR_ARGUMENT_INVALID, "argument '%s' is longer than %zu bytes",
                     reader->name, max);
}

static bool plain_check(const struct reader *reader, struct str text, struct error *err)
{
    return is_plain(text) || error_set(err, ERR_ARGUMENT_INVALID,
                                       "argument '%s' holds a control character", reader->name);
}

/* Any text, of several lines too. */
static bool read_lines(struct reader *reader, const json_t *value, size_t max, const char **ret,
                       struct error *err)
{
    struct str text = { json_string_value(value), json_string_length(value) };

    if (!json_is_string(value))
        return must_be(reader, err, "a text");
    if (!length_check(reader, text, max, err))
        return false;
    *ret = arena_strndup(reader->arena, text.ptr, text.len);
    return true;
}

static bool read_text(struct reader *reader, const json_t *value, size_t max, const char **ret,
                      struct error *err)
{
    return read_lines(reader, value, max, ret, err) && plain_check(reader, str_of(*ret), err);
}

static bool bool_parse(const char *text, bool *ret)
{
    *ret = strcmp(text, "true") == 0;
    return *ret || strcmp(text, "false") == 0;
}

static bool read_bool(struct reader *reader, const json_t *value, bool *ret, struct error *err)
{
    if (reader->is_query) {
        if (bool_parse(json_string_value(value), ret))
            return true;
    } else if (json_is_boolean(value)) {
        *ret = json_is_true(value);
        return true;
    }
    return must_be(reader, err, "true or false");
}

static bool read_ms(struct reader *reader, const json_t *value, uint64_t max, uint32_t *ret,
                    struct error *err)
{
    uint64_t number = 0;
    bool is_number = false;

    if (reader->is_query) {
        is_number = str_to_u64(str_of(json_string_value(value)), max, &number);
    } else if (json_is_integer(value) && json_integer_value(value) >= 0) {
        number = (uint64_t) json_integer_value(value);
        is_number = number <= max;
    }
    if (!is_number)
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "argument '%s' must be a whole number from 0 to %" PRIu64, reader->name,
                         max);
    *ret = (uint32_t) number;
    return true;
}

/* ---- Lists ---- */

static bool list_add(const struct reader *reader, struct str_list *list, struct str text,
                     struct error *err)
{
    if (list->count == PARAM_LIST_MAX)
        return error_set(err, ERR_ARGUMENT_INVALID, "argument '%s' has more than %d elements",
                         reader->name, PARAM_LIST_MAX);
    if (text.len == 0)
        return error_set(err, ERR_ARGUMENT_INVALID, "argument '%s' has an empty element",
                         reader->name);
    if (!length_check(reader, text, PARAM_TARGET_MAX, err) || !plain_check(reader, text, err))
        return false;
    str_list_add(list, reader->arena, arena_strndup(reader->arena, text.ptr, text.len));
    return true;
}

static bool read_list_of_text(struct reader *reader, struct str rest, struct str_list *list,
                              struct error *err)
{
    if (rest.len == 0)
        return true;
    for (;;) {
        size_t comma = str_find_char(rest, ',', 0);

        if (!list_add(reader, list, str_trim(str_sub(rest, 0, comma)), err))
            return false;
        if (comma == rest.len)
            return true;
        rest = str_sub(rest, comma + 1, rest.len);
    }
}

/* ["a", "b"], or "a,b", or "" for none. */
static bool read_list(struct reader *reader, const json_t *value, struct str_list *list,
                      struct error *err)
{
    size_t i = 0;
    json_t *element = NULL;

    if (json_is_string(value))
        return read_list_of_text(
            reader, (struct str){ json_string_value(value), json_string_length(value) }, list, err);
    if (!json_is_array(value))
        return must_be(reader, err, "a list of texts");
    json_array_foreach(value, i, element)
    {
        if (!json_is_string(element))
            return must_be(reader, err, "a list of texts");
        if (!list_add(reader, list,
                      (struct str){ json_string_value(element), json_string_length(element) }, err))
            return false;
    }
    return true;
}

/* ---- Arguments ---- */

static bool read_name(struct reader *reader, const json_t *value, const char **ret,
                      struct error *err)
{
    if (!read_text(reader, value, PARAM_TARGET_MAX, ret, err))
        return false;
    if ((*ret)[0] == '\0')
        return must_be(reader, err, "a revision, head, base or the like");
    return true;
}

static bool read_target(struct reader *reader, const json_t *value, struct error *err)
{
    return read_name(reader, value, &reader->run->target, err);
}

static bool read_targets(struct reader *reader, const json_t *value, struct error *err)
{
    reader->has_no_targets = json_is_array(value) && json_array_size(value) == 0;
    return read_list(reader, value, &reader->run->stamps, err);
}

static bool read_expect(struct reader *reader, const json_t *value, struct error *err)
{
    struct str_list *expect = &reader->run->expect;

    if (!read_list(reader, value, expect, err))
        return false;
    for (size_t i = 0; i < expect->count; i++) {
        if (!revision_id_is_valid(expect->items[i]))
            return error_set(err, ERR_ARGUMENT_INVALID,
                             "argument 'expect' holds '%s', which is not a revision id",
                             expect->items[i]);
    }
    str_list_sort(expect);
    reader->run->has_expect = true;
    return true;
}

static bool read_transaction(struct reader *reader, const json_t *value, struct error *err)
{
    if (!json_is_string(value) ||
        !transaction_mode_find(json_string_value(value), &reader->run->transaction))
        return must_be(reader, err, "'run' or 'revision'");
    reader->run->has_transaction = true;
    return true;
}

static bool read_backup(struct reader *reader, const json_t *value, struct error *err)
{
    if (!json_is_string(value) ||
        !backup_policy_find(json_string_value(value), &reader->run->backup))
        return must_be(reader, err, "'always', 'destructive' or 'never'");
    reader->run->has_backup = true;
    return true;
}

static bool read_reason(struct reader *reader, const json_t *value, struct error *err)
{
    return read_text(reader, value, PARAM_REASON_MAX, &reader->run->reason, err);
}

static bool read_dry_run(struct reader *reader, const json_t *value, struct error *err)
{
    return read_bool(reader, value, &reader->run->is_dry_run, err);
}

static bool read_purge(struct reader *reader, const json_t *value, struct error *err)
{
    return read_bool(reader, value, &reader->run->purge, err);
}

static bool read_lock_timeout(struct reader *reader, const json_t *value, struct error *err)
{
    return read_ms(reader, value, LOCK_TIMEOUT_MS_MAX, &reader->run->lock_timeout_ms, err);
}

static bool read_timeout(struct reader *reader, const json_t *value, struct error *err)
{
    return read_ms(reader, value, RUN_TIMEOUT_MS_MAX, &reader->run->timeout_ms, err);
}

/* ---- Arguments of a script ---- */

static bool read_branch_labels(struct reader *reader, const json_t *value, struct error *err)
{
    return read_list(reader, value, &reader->script->request.labels, err);
}

static bool read_depends_on(struct reader *reader, const json_t *value, struct error *err)
{
    return read_list(reader, value, &reader->script->request.depends_on, err);
}

static bool read_head(struct reader *reader, const json_t *value, struct error *err)
{
    return read_name(reader, value, &reader->script->request.head, err);
}

static bool read_message(struct reader *reader, const json_t *value, struct error *err)
{
    return read_lines(reader, value, PARAM_MESSAGE_MAX, &reader->script->request.message, err);
}

static bool read_rev_id(struct reader *reader, const json_t *value, struct error *err)
{
    return read_text(reader, value, PARAM_TARGET_MAX, &reader->script->request.id, err);
}

static bool read_revisions(struct reader *reader, const json_t *value, struct error *err)
{
    return read_list(reader, value, &reader->script->merged, err);
}

static bool read_splice(struct reader *reader, const json_t *value, struct error *err)
{
    return read_bool(reader, value, &reader->script->request.splice, err);
}

static bool read_version_path(struct reader *reader, const json_t *value, struct error *err)
{
    return read_text(reader, value, PARAM_PATH_MAX, &reader->script->request.version_path, err);
}

/* ---- The table ---- */

static const struct argument {
    const char *name;
    unsigned takers;
    bool (*read)(struct reader *reader, const json_t *value, struct error *err);
} arguments[] = {
    { "backup", MOVES, read_backup },
    { "branch_labels", SCRIPTS, read_branch_labels },
    { "depends_on", REVISION, read_depends_on },
    { "dry_run", MOVES, read_dry_run },
    { "expect", MOVES, read_expect },
    { "head", REVISION, read_head },
    { "lock_timeout_ms", ALL, read_lock_timeout },
    { "message", SCRIPTS, read_message },
    { "purge", BIT(VERB_STAMP) | PLAN(BIT(VERB_STAMP)), read_purge },
    { "range", SQL, read_target },
    { "reason", ALL, read_reason },
    { "rev_id", SCRIPTS, read_rev_id },
    { "revisions", MERGE, read_revisions },
    { "splice", SCRIPTS, read_splice },
    { "target", MOVES | PLAN(MOVES), read_target },
    { "targets", BIT(VERB_STAMP) | PLAN(BIT(VERB_STAMP)), read_targets },
    { "timeout_ms", ALL, read_timeout },
    { "transaction", MOVES | SQL, read_transaction },
    { "version_path", REVISION, read_version_path },
};

static bool unknown(const struct reader *reader, struct error *err)
{
    struct str_list names = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
        if ((arguments[i].takers & reader->taker) != 0)
            str_list_add(&names, reader->arena, arguments[i].name);
    }
    (void) error_set(err, ERR_ARGUMENT_INVALID, "%s does not take an argument '%.64s'",
                     reader->taker_name, reader->name);
    /* Whoever may make a script must not be able to make one that does something. */
    if ((reader->taker & SCRIPTS) != 0 && strcmp(reader->name, "sql") == 0)
        return error_hint(err, "No SQL is taken over HTTP: write it into the new script's file.");
    return error_hint(err, "It takes %s.", str_list_join(&names, ", ", reader->arena));
}

static bool read_argument(struct reader *reader, const json_t *value, struct error *err)
{
    for (unsigned i = 0; i < ARRAY_SIZE(arguments); i++) {
        if (strcmp(arguments[i].name, reader->name) != 0 ||
            (arguments[i].takers & reader->taker) == 0)
            continue;
        if ((reader->seen & BIT(i)) != 0)
            return error_set(err, ERR_ARGUMENT_INVALID, "argument '%s' is given twice",
                             reader->name);
        reader->seen |= BIT(i);
        return arguments[i].read(reader, value, err);
    }
    return unknown(reader, err);
}

/* ---- Where arguments come from ---- */

static bool read_query(struct reader *reader, const struct uri *uri, struct error *err)
{
    reader->is_query = true;
    for (size_t i = 0; i < uri->param_count; i++) {
        json_t *value cleanup_json = json_string(uri->params[i].value);

        reader->name = uri->params[i].name;
        if (value == NULL)
            return error_set(err, ERR_INTERNAL, "could not read the query: out of memory");
        if ((reader->taker & (PLAN(MOVES) | SQL)) != 0 && strcmp(reader->name, "verb") == 0)
            continue;
        if (!read_argument(reader, value, err))
            return false;
    }
    return true;
}

static bool read_body(struct reader *reader, struct str body, struct error *err)
{
    json_error_t failure = { 0 };
    json_t *object cleanup_json = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &failure);
    const char *name = NULL;
    json_t *value = NULL;

    if (object == NULL)
        return error_set(err, ERR_REQUEST_MALFORMED, "body is not JSON: %s (line %d, column %d)",
                         failure.text, failure.line, failure.column);
    if (!json_is_object(object))
        return error_set(err, ERR_REQUEST_MALFORMED, "body is JSON, but not an object");
    reader->is_query = false;
    json_object_foreach(object, name, value)
    {
        reader->name = name;
        if (!read_argument(reader, value, err))
            return false;
    }
    return true;
}

static bool read_both(struct reader *reader, const struct uri *uri, struct str body,
                      struct error *err)
{
    return read_query(reader, uri, err) &&
           (str_trim(body).len == 0 || read_body(reader, body, err));
}

/* A stamp needs at least one target, in one of two forms, or says that it has none. */
static bool settle_stamps(const struct reader *reader, struct error *err)
{
    struct run_request *run = reader->run;

    if (run->verb != VERB_STAMP)
        return true;
    if (run->target != NULL && (run->stamps.count > 0 || reader->has_no_targets))
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "arguments 'target' and 'targets' are given both");
    if (run->target != NULL) {
        str_list_add(&run->stamps, reader->arena, run->target);
        run->target = NULL;
    }
    if (run->stamps.count > 0 || (reader->has_no_targets && !run->purge))
        return true;
    return error_set(err, ERR_ARGUMENT_INVALID, "argument 'target' is missing");
}

bool params_read_run(enum verb verb, const struct uri *uri, struct str body, struct arena *arena,
                     struct run_request *ret, struct error *err)
{
    struct reader reader = {
        .taker = BIT(verb), .taker_name = verb_name(verb), .run = ret, .arena = arena
    };

    *ret = (struct run_request){ .verb = verb };
    return read_both(&reader, uri, body, err) && settle_stamps(&reader, err);
}

/* What does not say is an upgrade. */
static bool read_verb(const struct uri *uri, enum verb *ret, struct error *err)
{
    const char *name = uri_param_find(uri, "verb");

    *ret = VERB_UPGRADE;
    if (name == NULL || (verb_find(name, ret) && *ret != VERB_BACKUP))
        return true;
    return error_set(err, ERR_ARGUMENT_INVALID,
                     "argument 'verb' must be 'upgrade', 'downgrade' or 'stamp'");
}

bool params_read_plan(const struct uri *uri, struct arena *arena, struct run_request *ret,
                      struct error *err)
{
    struct reader reader = { .run = ret, .arena = arena };
    enum verb verb = VERB_UPGRADE;

    if (!read_verb(uri, &verb, err))
        return false;
    *ret = (struct run_request){ .verb = verb };
    reader.taker = PLAN(BIT(verb));
    reader.taker_name = verb_name(verb);
    return read_query(&reader, uri, err) && settle_stamps(&reader, err);
}

bool params_read_sql(const struct uri *uri, struct arena *arena, struct run_request *ret,
                     struct error *err)
{
    struct reader reader = { .taker = SQL, .taker_name = "/sql", .run = ret, .arena = arena };

    *ret = (struct run_request){ 0 };
    if (!read_verb(uri, &ret->verb, err) || !read_query(&reader, uri, err))
        return false;
    if (ret->target == NULL && ret->verb == VERB_UPGRADE)
        ret->target = "head";
    return ret->target != NULL ||
           error_set(err, ERR_ARGUMENT_INVALID, "argument 'range' is missing");
}

bool params_read_script(bool is_merge, const struct uri *uri, struct str body, struct arena *arena,
                        struct script_params *ret, struct error *err)
{
    struct reader reader = { .taker = is_merge ? MERGE : REVISION,
                             .taker_name = is_merge ? "a merge" : "a revision",
                             .script = ret,
                             .arena = arena };

    *ret = (struct script_params){ 0 };
    if (!read_both(&reader, uri, body, err))
        return false;
    if (is_merge && ret->merged.count == 0)
        return error_set(err, ERR_ARGUMENT_INVALID, "argument 'revisions' is missing");
    return true;
}

bool params_read_bool(const struct uri *uri, const char *name, bool *ret, struct error *err)
{
    const char *text = uri_param_find(uri, name);

    if (text == NULL)
        return true;
    if (bool_parse(text, ret))
        return true;
    return error_set(err, ERR_ARGUMENT_INVALID, "argument '%s' must be true or false", name);
}

bool params_read_number(const struct uri *uri, const char *name, uint64_t min, uint64_t max,
                        uint64_t *ret, struct error *err)
{
    const char *text = uri_param_find(uri, name);
    uint64_t number = 0;

    if (text == NULL)
        return true;
    if (!str_to_u64(str_of(text), max, &number) || number < min)
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "argument '%s' must be a whole number from %" PRIu64 " to %" PRIu64, name,
                         min, max);
    *ret = number;
    return true;
}

/* ---- Moments ---- */

#define US_PER_S   1000000
#define DATE_SHAPE "dddd-dd-ddTdd:dd:dd"
#define DATE_LEN   (sizeof(DATE_SHAPE) - 1)

/* A 'd' in the shape stands for a digit. */
static bool has_shape(struct str text, const char *shape)
{
    if (text.len != strlen(shape))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_digit = text.ptr[i] >= '0' && text.ptr[i] <= '9';

        if (shape[i] == 'd' ? !is_digit : text.ptr[i] != shape[i])
            return false;
    }
    return true;
}

/* ".806" and the like from the front of the text; 0 when there is none. */
static bool take_fraction(struct str *text, int64_t *ret_us)
{
    int64_t unit_us = US_PER_S / 10;
    size_t end = 1;

    *ret_us = 0;
    if (!str_starts_with(*text, "."))
        return true;
    for (; end < text->len && text->ptr[end] >= '0' && text->ptr[end] <= '9'; end++) {
        *ret_us += (text->ptr[end] - '0') * unit_us;
        unit_us /= 10;
    }
    *text = str_sub(*text, end, text->len);
    return end > 1;
}

/* "Z", "+01:00", "-01:00". */
static bool parse_zone(struct str text, int64_t *ret_us)
{
    uint64_t hours = 0;
    uint64_t minutes = 0;

    *ret_us = 0;
    if (str_is(text, "Z"))
        return true;
    if (!has_shape(text, "+dd:dd") && !has_shape(text, "-dd:dd"))
        return false;
    if (!str_to_u64(str_sub(text, 1, 3), 23, &hours) ||
        !str_to_u64(str_sub(text, 4, 6), 59, &minutes))
        return false;
    *ret_us = (int64_t) (hours * 60 + minutes) * 60 * US_PER_S * (text.ptr[0] == '-' ? -1 : 1);
    return true;
}

static bool parse_time(struct str text, int64_t *ret_us)
{
    struct str rest = str_sub(text, DATE_LEN, text.len);
    struct tm fields = { 0 };
    int64_t seconds = 0;
    int day = 0;
    char date[DATE_LEN + 1] = { 0 };
    int64_t fraction_us = 0;
    int64_t zone_us = 0;

    if (!has_shape(str_sub(text, 0, DATE_LEN), DATE_SHAPE))
        return false;
    memcpy(date, text.ptr, DATE_LEN);
    if (strptime(date, "%Y-%m-%dT%H:%M:%S", &fields) == NULL ||
        !take_fraction(&rest, &fraction_us) || !parse_zone(rest, &zone_us))
        return false;
    /* strptime takes the 31st of any month; timegm makes another day of it. */
    day = fields.tm_mday;
    seconds = timegm(&fields);
    *ret_us = seconds * US_PER_S + fraction_us - zone_us;
    return fields.tm_mday == day;
}

bool params_read_time(const struct uri *uri, const char *name, int64_t *ret, struct error *err)
{
    const char *text = uri_param_find(uri, name);
    int64_t moment_us = 0;

    if (text == NULL)
        return true;
    if (!parse_time(str_of(text), &moment_us))
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "argument '%s' must be a time such as 2026-11-20T15:03:04Z", name);
    *ret = moment_us > 1 ? moment_us : 1;
    return true;
}
