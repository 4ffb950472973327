/*
 * commands_write.c - new scripts: revision, create, merge, and init.
 */
#include "api/json_text.h"
#include "base/file.h"
#include "cli/json_read.h"
#include "cli/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

enum {
    DIRECTORY_MODE = 0775
};

/* ---- revision, create, merge ---- */

static struct revision_request request_of(const struct options *options)
{
    return (struct revision_request){
        .message = options->message,
        .id = options->rev_id,
        .head = options->head,
        .splice = options->splices,
        .labels = options->branch_labels,
        .depends_on = options->depends_on,
        .version_path = options->version_path,
        .name_style = options->name_style,
        .is_utc = options->is_utc,
    };
}

static bool read_sql(struct session *session, struct revision_request *request, struct error *err)
{
    const char *path = session->options->sql_file;
    struct str text = { 0 };

    if (path == NULL)
        return true;
    if (!file_read(AT_FDCWD, path, SCRIPT_BYTES_MAX, session->arena, &text, err))
        return false;
    if (str_find_char(text, '\0', 0) < text.len)
        return error_set(err, ERR_ARGUMENT_INVALID, "\"%s\" holds a NUL byte: it is not SQL", path);
    request->sql = text.ptr;
    return true;
}

static bool write_script(struct session *session, const struct revision_request *request,
                         const struct str_list *merged, struct error *err)
{
    json_t *answer cleanup_json = NULL;

    if (!session->transport.write(session->transport.data, request, merged, &answer, err))
        return false;
    if (!session_is_answered(session, answer))
        print_format(&session->printer, "Generating %s ...  done\n", json_text(answer, "path"));
    return true;
}

bool command_revision(struct session *session, struct error *err)
{
    struct revision_request request = request_of(session->options);

    return read_sql(session, &request, err) && write_script(session, &request, NULL, err);
}

bool command_create(struct session *session, struct error *err)
{
    struct revision_request request = request_of(session->options);

    request.message = session->options->operands.items[0];
    return read_sql(session, &request, err) && write_script(session, &request, NULL, err);
}

bool command_merge(struct session *session, struct error *err)
{
    struct revision_request request = request_of(session->options);

    return write_script(session, &request, &session->options->operands, err);
}

/* ---- init ---- */

static void close_directory(DIR **directory)
{
    if (*directory != NULL)
        (void) closedir(*directory);
}

/* As Alembic: a directory that has something in it is somebody's. */
static bool check_empty(const char *path, struct error *err)
{
    DIR *directory cleanup(close_directory) = opendir(path);
    const struct dirent *entry = NULL;

    if (directory == NULL)
        return errno == ENOENT ||
               error_set_errno(err, ERR_IO, errno, "could not open directory \"%s\"", path);
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        error_set(err, ERR_ARGUMENT_INVALID, "directory \"%s\" already exists and is not empty",
                  path);
        return error_hint(err, "Name another one; or work with the scripts in it: --scripts %s.",
                          path);
    }
    return true;
}

/* The rows that are there already, if the command line names a database that has some. */
static bool find_rows(struct session *session, version_rows *ret, struct error *err)
{
    json_t *current cleanup_json = NULL;
    size_t index = 0;
    const json_t *row = NULL;

    if (session->options->database == NULL)
        return true;
    if (!session_ask(session, ASK_CURRENT, NULL, &current, err))
        return false;
    json_array_foreach(json_object_get(current, "revisions"), index, row)
    {
        const char *id = json_string_value(row);

        str_list_add(ret, session->arena, arena_strdup(session->arena, id != NULL ? id : ""));
    }
    return true;
}

static void print_next(struct session *session, const char *directory, const version_rows *rows)
{
    const char *database = session->options->database;
    struct printer *printer = &session->printer;

    print_format(printer, "Creating directory %s ...  done\n", directory);
    print_format(printer, "\nNext: schemadctl revision --scripts %s -m \"what it does\"\n",
                 directory);
    if (rows->count == 0)
        return;
    print_format(
        printer,
        "\n%s was migrated before, it is at %s. To go on from there, the first script\n"
        "has to be that revision: its SQL part makes the schema as it is now, and it is\n"
        "not run on this database.\n\n"
        "  sqlite3 %s \"SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL\n"
        "    AND name NOT GLOB 'sqlite_*' AND tbl_name != 'alembic_version'\" >schema.sql\n"
        "  schemadctl revision --scripts %s --rev-id %s --sql-file schema.sql\n",
        database, str_list_join(rows, ", ", session->arena), database, directory, rows->items[0]);
    if (rows->count > 1)
        print_format(printer, "  schemadctl stamp --database %s --scripts %s --purge %s\n",
                     database, directory, rows->items[0]);
}

bool command_init(struct session *session, struct error *err)
{
    const struct options *options = session->options;
    const char *directory =
        options->operands.count > 0 ? options->operands.items[0] : options->scripts.items[0];
    version_rows rows = { 0 };

    if (!check_empty(directory, err) || !find_rows(session, &rows, err) ||
        !directory_ensure(directory, DIRECTORY_MODE, err))
        return false;
    if (options->is_json) {
        json_t *answer cleanup_json = json_object();

        json_put(&answer, "path", json_of_str(str_of(directory)));
        print_json(&session->printer, answer);
    } else if (!options->is_quiet) {
        print_next(session, directory, &rows);
    }
    return true;
}
