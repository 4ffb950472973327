/*
 * config.c - one table of keys; inih reads the lines, the table says what a value may be.
 *
 * The parser keeps raw values ("what was said"); config_read turns them into the configuration
 * ("what is meant"). Another setting is a row in the table, a member of struct said and a line in
 * schemad.conf(5).
 */
#include "daemon/config.h"

#include "base/file.h"
#include "daemon/address.h"
#include "migrations/nearest.h"

#include <config.h> /* the build's; in quotes it would be this folder's */
#include <fcntl.h>
#include <ini.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t) 256 * 1024)
#define LINE_BYTES_MAX 4096
#define MS_PER_DAY     (24 * 60 * 60 * 1000)

/* What was said, by kind of value. */
struct said {
    const char *database, *state_directory, *version_table;
    const char *upgrade_to, *accept;
    const char *backup_directory;
    const char *file_template;
    const char *socket, *tcp, *token_file;
    struct str_list scripts, read, operate, destroy;
    uint32_t lock_timeout_ms, keep, slug_length;
    uint32_t request_timeout_ms, connections_max, stop_timeout_ms;
    /* Index of the choice. */
    uint32_t on_failure, transaction, backup, loss, writable, timezone, tcp_read;
};

enum kind {
    KIND_TEXT,   /* const char *: anything that is not empty */
    KIND_TEXTS,  /* struct str_list: may stand several times */
    KIND_NAMES,  /* struct str_list: separated by commas; nothing is nobody */
    KIND_NUMBER, /* uint32_t: min to max */
    KIND_CHOICE, /* uint32_t: index into the choices */
};

struct key {
    const char *section;
    const char *name;
    enum kind kind;
    size_t offset; /* in struct said */
    uint32_t min, max;
    const char *choices; /* "exit|hold", in the order of the enum that they become */
};

#define SAID(member) offsetof(struct said, member)

static const struct key keys[] = {
    { "database", "path", KIND_TEXT, SAID(database) },
    { "database", "scripts", KIND_TEXTS, SAID(scripts) },
    { "database", "state_directory", KIND_TEXT, SAID(state_directory) },
    { "database", "version_table", KIND_TEXT, SAID(version_table) },
    { "startup", "upgrade_to", KIND_TEXT, SAID(upgrade_to) },
    { "startup", "accept", KIND_TEXT, SAID(accept) },
    { "startup", "on_failure", KIND_CHOICE, SAID(on_failure), 0, 0, "exit|hold" },
    { "run", "transaction", KIND_CHOICE, SAID(transaction), 0, 0, "run|revision" },
    { "run", "backup", KIND_CHOICE, SAID(backup), 0, 0, "always|destructive|never" },
    { "run", "loss", KIND_CHOICE, SAID(loss), 0, 0, "refuse|allow" },
    { "run", "lock_timeout_ms", KIND_NUMBER, SAID(lock_timeout_ms), 1, MS_PER_DAY },
    { "backup", "directory", KIND_TEXT, SAID(backup_directory) },
    { "backup", "keep", KIND_NUMBER, SAID(keep), 0, 100000 },
    { "scripts", "writable", KIND_CHOICE, SAID(writable), 0, 0, "no|yes" },
    { "scripts", "file_template", KIND_TEXT, SAID(file_template) },
    { "scripts", "slug_length", KIND_NUMBER, SAID(slug_length), 1, 200 },
    { "scripts", "timezone", KIND_CHOICE, SAID(timezone), 0, 0, "local|utc" },
    { "http", "socket", KIND_TEXT, SAID(socket) },
    { "http", "tcp", KIND_TEXT, SAID(tcp) },
    { "http", "token_file", KIND_TEXT, SAID(token_file) },
    { "http", "read", KIND_NAMES, SAID(read) },
    { "http", "operate", KIND_NAMES, SAID(operate) },
    { "http", "destroy", KIND_NAMES, SAID(destroy) },
    { "http", "tcp_read", KIND_CHOICE, SAID(tcp_read), 0, 0, "token|open" },
    { "http", "request_timeout_ms", KIND_NUMBER, SAID(request_timeout_ms), 100, MS_PER_DAY },
    { "http", "connections_max", KIND_NUMBER, SAID(connections_max), 4, 65536 },
    { "http", "stop_timeout_ms", KIND_NUMBER, SAID(stop_timeout_ms), 1, MS_PER_DAY },
};

/* ---- Names ---- */

static const struct key *key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

static bool section_exists(const char *section)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i].section, section) == 0)
            return true;
    return false;
}

static bool hint_nearest(const char *word, const struct str_list *known, const char *otherwise,
                         struct error *err)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct str_list nearest = nearest_find(str_of(word), known, &arena);

    if (nearest.count > 0)
        return error_hint(err, "Did you mean '%s'?", nearest.items[0]);
    return error_hint(err, "%s", otherwise);
}

static bool fail_section(const char *section, struct error *err)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct str_list known = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (!str_list_has(&known, keys[i].section))
            str_list_add(&known, &arena, keys[i].section);
    (void) error_set(err, ERR_CONFIG_INVALID, "unknown section [%s]", section);
    return hint_nearest(
        section, &known,
        "Sections are [database], [startup], [run], [backup], [scripts] and [http].", err);
}

static bool fail_key(const char *section, const char *name, struct error *err)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct str_list known = { 0 };

    (void) error_set(err, ERR_CONFIG_INVALID, "unknown key '%s' in section [%s]", name, section);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i].name, name) == 0)
            return error_hint(err, "'%s' belongs into section [%s].", name, keys[i].section);
        else if (strcmp(keys[i].section, section) == 0)
            str_list_add(&known, &arena, keys[i].name);
    return hint_nearest(name, &known, "Keys are listed in schemad.conf(5).", err);
}

/* ---- Values ---- */

static bool set_number(const struct key *key, const char *value, uint32_t *ret, struct error *err)
{
    uint64_t number;

    if (!str_to_u64(str_of(value), key->max, &number) || number < key->min)
        return error_set(err, ERR_CONFIG_INVALID, "'%s' is not a number from %u to %u", value,
                         key->min, key->max);
    *ret = (uint32_t) number;
    return true;
}

static bool set_choice(const struct key *key, const char *value, uint32_t *ret, struct error *err)
{
    struct str rest = str_of(key->choices);

    for (uint32_t i = 0; rest.len > 0; i++) {
        size_t end = str_find_char(rest, '|', 0);

        if (str_is(str_sub(rest, 0, end), value)) {
            *ret = i;
            return true;
        }
        rest = str_sub(rest, end + 1, rest.len);
    }
    return error_set(err, ERR_CONFIG_INVALID, "'%s' is not one of %s", value, key->choices);
}

static bool set_names(const char *value, struct arena *arena, struct str_list *list,
                      struct error *err)
{
    struct str rest = str_of(value);

    *list = (struct str_list){ 0 };
    while (rest.len > 0) {
        size_t end = str_find_char(rest, ',', 0);
        struct str name = str_trim(str_sub(rest, 0, end));

        if (name.len == 0)
            return error_set(err, ERR_CONFIG_INVALID, "a name is missing in '%s'", value);
        str_list_add(list, arena, arena_strndup(arena, name.ptr, name.len));
        rest = str_sub(rest, end + 1, rest.len);
    }
    return true;
}

static bool set_value(struct said *said, const struct key *key, const char *value,
                      struct arena *arena, struct error *err)
{
    void *member = (char *) said + key->offset;

    if (value[0] == '\0' && key->kind != KIND_NAMES)
        return error_set(err, ERR_CONFIG_INVALID, "'%s' has no value", key->name);
    switch (key->kind) {
    case KIND_TEXT:
        *(const char **) member = arena_strdup(arena, value);
        return true;
    case KIND_TEXTS:
        str_list_add(member, arena, arena_strdup(arena, value));
        return true;
    case KIND_NAMES:
        return set_names(value, arena, member, err);
    case KIND_NUMBER:
        return set_number(key, value, member, err);
    case KIND_CHOICE:
        return set_choice(key, value, member, err);
    }
    return false;
}

/* Other codes are right for a request. */
static bool fail_value(const struct error *cause, struct error *err)
{
    (void) error_set(err, ERR_CONFIG_INVALID, "%s", cause->detail);
    return error_hint(err, "%s", cause->hint);
}

static bool check_accept(const char *value, struct error *err)
{
    struct arena cleanup(arena_release) arena = { 0 };
    struct error cause = { .code = ERR_OK };
    struct accept_range range;

    return accept_parse(value, &arena, &range, &cause) || fail_value(&cause, err);
}

static bool check_file_template(const char *value, struct error *err)
{
    static const struct script_header sample = {
        .id = "c7f8a9b0d1e2",
        .message = "add the users table",
        .create_date = "2026-11-20 15:03:04.806509",
    };
    struct script_name_style style = { .file_template = value };
    struct arena cleanup(arena_release) arena = { 0 };
    struct error cause = { .code = ERR_OK };
    const char *name;

    return script_name_format(&style, &sample, 0, &arena, &name, &cause) || fail_value(&cause, err);
}

/* What no kind of value tells: addresses, ranges, templates, and targets that can be required. */
static bool check_value(const struct key *key, const char *value, struct error *err)
{
    struct tcp_address address;

    if (key->offset == SAID(accept))
        return check_accept(value, err);
    if (key->offset == SAID(file_template))
        return check_file_template(value, err);
    if (key->offset == SAID(tcp))
        return tcp_address_parse(value, &address, err);
    if (key->offset == SAID(upgrade_to) && (strchr(value, '+') != NULL || value[0] == '-')) {
        (void) error_set(err, ERR_CONFIG_INVALID, "'%s' is relative and never reached", value);
        return error_hint(err, "Name a revision, head, heads or none.");
    }
    return true;
}

/* ---- The file ---- */

/* What the two callbacks of inih share. inih tells a handler no line, so the reader counts. */
struct reading {
    struct str rest;
    unsigned line;
    unsigned lines_set[ARRAY_SIZE(keys)]; /* where a key was set first; 0: not yet */
    struct said *said;
    struct arena *arena;
    struct error *err;
};

static bool check_section_line(struct str line, struct reading *reading)
{
    size_t end = str_find_char(line, ']', 0);
    struct str name = str_sub(line, 1, end);

    if (end == line.len)
        return error_set(reading->err, ERR_CONFIG_INVALID, "section is not closed by ']'");
    if (!section_exists(arena_strndup(reading->arena, name.ptr, name.len)))
        return fail_section(arena_strndup(reading->arena, name.ptr, name.len), reading->err);
    return true;
}

/* fgets for inih: one line, without white space around it, so that indenting means nothing. A
 * section without keys never reaches the handler, so it is checked here. */
static char *read_line(char *buffer, int size, void *data)
{
    struct reading *reading = data;
    size_t end = str_find_char(reading->rest, '\n', 0);
    struct str line = str_trim(str_sub(reading->rest, 0, end));

    if (reading->err->code != ERR_OK || reading->rest.len == 0)
        return NULL;
    reading->rest = str_sub(reading->rest, end + 1, reading->rest.len);
    reading->line++;
    if (line.len + 2 > (size_t) size) {
        (void) error_set(reading->err, ERR_CONFIG_INVALID, "line is longer than %d bytes",
                         size - 2);
        return NULL;
    }
    if (line.len > 0 && line.ptr[0] == '[' && !check_section_line(line, reading))
        return NULL;
    if (line.len > 0)
        memcpy(buffer, line.ptr, line.len);
    buffer[line.len] = '\n';
    buffer[line.len + 1] = '\0';
    return buffer;
}

static int handle_key(void *data, const char *section, const char *name, const char *value)
{
    struct reading *reading = data;
    const struct key *key = key_find(section, name);
    unsigned *line_set;

    if (reading->err->code != ERR_OK)
        return 0;
    if (section[0] == '\0')
        return error_set(reading->err, ERR_CONFIG_INVALID, "'%s' stands before any section", name);
    if (key == NULL)
        return fail_key(section, name, reading->err);
    line_set = &reading->lines_set[key - keys];
    if (*line_set != 0 && key->kind != KIND_TEXTS)
        return error_set(reading->err, ERR_CONFIG_INVALID, "'%s' is set twice, first in line %u",
                         name, *line_set);
    *line_set = reading->line;
    return set_value(reading->said, key, value, reading->arena, reading->err) &&
           check_value(key, value, reading->err);
}

static bool read_file(const char *path, struct arena *arena, struct said *said, struct error *err)
{
    struct reading reading = { .said = said, .arena = arena, .err = err };
    int line;

    if (!file_read(AT_FDCWD, path, FILE_BYTES_MAX, arena, &reading.rest, err))
        return false;
    if (memchr(reading.rest.ptr, '\0', reading.rest.len) != NULL)
        return error_set(err, ERR_CONFIG_INVALID, "'%s' holds a NUL byte", path);
    if (str_starts_with(reading.rest, "\xef\xbb\xbf"))
        reading.rest = str_sub(reading.rest, 3, reading.rest.len);
    ini_allow_inline_comments = false;
    ini_max_line = LINE_BYTES_MAX;
    line = ini_parse_stream(read_line, &reading, handle_key, &reading);
    if (line > 0 && err->code == ERR_OK) {
        reading.line = (unsigned) line;
        (void) error_set(err, ERR_CONFIG_INVALID, "line is not 'key = value'");
    }
    if (err->code == ERR_OK && line == 0)
        return true;
    return error_at(err, &(struct source_pos){ .file = path, .line = reading.line });
}

/* ---- The command line ---- */

static bool set_option(struct said *said, const struct option_setting *option, struct arena *arena,
                       struct error *err)
{
    const struct key *key = key_find(option->section, option->key);
    struct error why = { .code = ERR_OK };

    if (set_value(said, key, option->value, arena, &why) && check_value(key, option->value, &why))
        return true;
    (void) error_set(err, ERR_ARGUMENT_INVALID, "%s: %s", option->option, why.detail);
    return why.hint[0] != '\0' ? error_hint(err, "%s", why.hint) : false;
}

static bool set_options(struct said *said, const struct options *options, struct arena *arena,
                        struct error *err)
{
    bool has_scripts = false;

    for (size_t i = 0; i < options->setting_count; i++) {
        const struct option_setting *option = &options->settings[i];

        /* The option replaces the file's list, and then adds to its own. */
        if (strcmp(option->key, "scripts") == 0 && !has_scripts) {
            said->scripts = (struct str_list){ 0 };
            has_scripts = true;
        }
        if (!set_option(said, option, arena, err))
            return false;
    }
    return true;
}

/* ---- Defaults ---- */

/* The first directory of systemd's colon-separated list; NULL when systemd gives none. */
static const char *state_directory_of_systemd(struct arena *arena)
{
    struct str directories = str_of(getenv("STATE_DIRECTORY"));
    size_t end = str_find_char(directories, ':', 0);

    return end > 0 ? arena_strndup(arena, directories.ptr, end) : NULL;
}

static const char *default_socket(const char *instance, struct arena *arena)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    if (geteuid() != 0 && runtime != NULL && runtime[0] == '/')
        return arena_printf(arena, "%s/schemad/%s.sock", runtime, instance);
    return arena_printf(arena, "%s/%s.sock", SCHEMAD_RUN_DIR, instance);
}

static void set_engine_paths(const struct said *said, const char *instance, struct arena *arena,
                             struct engine_settings *engine)
{
    const char *state = state_directory_of_systemd(arena);

    engine->scripts = said->scripts;
    if (engine->scripts.count == 0)
        str_list_add(&engine->scripts, arena,
                     arena_printf(arena, "%s/%s/versions", SCHEMAD_DATA_DIR, instance));
    engine->state_directory = said->state_directory != NULL ? said->state_directory : state;
    engine->backup_directory = said->backup_directory;
    engine->database = said->database;
    if (engine->database == NULL && state != NULL)
        engine->database = arena_printf(arena, "%s/%s.db", state, instance);
    else if (engine->database == NULL)
        engine->database = arena_printf(arena, "%s.db", instance);
}

static void set_engine(const struct said *said, const char *instance, struct arena *arena,
                       struct engine_settings *engine)
{
    set_engine_paths(said, instance, arena, engine);
    engine->version_table = said->version_table;
    engine->backup_keep = said->keep;
    engine->has_backup_keep = true;
    engine->backup = (enum backup_policy) said->backup;
    engine->transaction = (enum transaction_mode) said->transaction;
    engine->lock_timeout_ms = said->lock_timeout_ms;
    engine->allows_loss = said->loss == 1;
}

static struct script_policy scripts_of(const struct said *said)
{
    return (struct script_policy){
        .is_writable = said->writable == 1,
        .name_style = { .file_template = said->file_template, .slug_length = said->slug_length },
        .is_utc = said->timezone == 1,
    };
}

static bool config_of(const struct said *said, struct arena *arena, struct config *ret,
                      struct error *err)
{
    set_engine(said, ret->instance, arena, &ret->engine);
    ret->scripts = scripts_of(said);
    ret->upgrade_to = said->upgrade_to;
    ret->accept = said->accept;
    ret->on_failure = (enum on_failure) said->on_failure;
    ret->is_socket_default = said->socket == NULL;
    ret->socket = said->socket != NULL ? said->socket : default_socket(ret->instance, arena);
    ret->tcp = said->tcp;
    ret->token_file = said->token_file;
    ret->peers = (struct access_lists){ said->read, said->operate, said->destroy };
    ret->tcp_reads_openly = said->tcp_read == 1;
    ret->request_timeout_ms = said->request_timeout_ms;
    ret->connections_max = said->connections_max;
    ret->stop_timeout_ms = said->stop_timeout_ms;
    return (ret->accept == NULL || accept_parse(ret->accept, arena, &ret->accept_range, err)) &&
           settings_complete(&ret->engine, arena, err);
}

/* It becomes part of paths. */
static bool instance_is_valid(const char *instance)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t len = strlen(instance);

    return len > 0 && len <= 64 && instance[0] != '.' && instance[0] != '-' &&
           strspn(instance, allowed) == len;
}

bool config_read(const struct options *options, struct arena *arena, struct config *ret,
                 struct error *err)
{
    struct said said = {
        .upgrade_to = "head",
        .lock_timeout_ms = 5000,
        .keep = 10,
        .slug_length = SCRIPT_SLUG_LENGTH_DEFAULT,
        .request_timeout_ms = 10000,
        .connections_max = 256,
        .stop_timeout_ms = 60000,
    };
    const char *file = options->config_file;

    /* Whoever may open the socket may read, unless it is said otherwise. */
    str_list_add(&said.read, arena, "*");
    *ret = (struct config){ .instance = options->instance };
    if (!instance_is_valid(options->instance))
        return error_set(err, ERR_ARGUMENT_INVALID,
                         "--instance: '%s' is not a name of letters, digits, '_', '.' and '-'",
                         options->instance);
    if (file == NULL)
        file = arena_printf(arena, "%s/%s.conf", SCHEMAD_CONFIG_DIR, options->instance);
    if (options->config_file != NULL || access(file, F_OK) == 0) {
        ret->file = file;
        if (!read_file(file, arena, &said, err))
            return false;
    }
    return set_options(&said, options, arena, err) && config_of(&said, arena, ret, err);
}
