/*
 * revision.c - writing a new revision script.
 *
 * What is written is parsed first, and the graph is built with it: whatever would make the scripts
 * invalid is told as it would be told afterwards, and nothing is written.
 */
#include "engine/revision.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "engine/script_directory.h"
#include "migrations/target.h"

#include <string.h>

enum {
    ID_DIGITS = 12, /* as Alembic's */
    SCRIPT_MODE = 0664,
};

struct creation {
    const struct engine_settings *settings;
    const struct revision_request *request;
    struct arena *arena;
    struct script_directory *directory;
};

static void creation_release(struct creation *creation)
{
    script_directory_unref(take_ptr(creation->directory));
}

static bool choose_id(const struct creation *creation, const char **ret, struct error *err)
{
    char digits[ID_DIGITS + 1];
    const char *id = creation->request->id;

    if (id == NULL) {
        digest_random_hex(digits, ID_DIGITS);
        *ret = arena_strdup(creation->arena, digits);
        return true;
    }
    if (!revision_id_is_valid(id)) {
        error_set(err, ERR_ARGUMENT_INVALID, "revision id \"%s\" is not valid", id);
        return error_hint(err, "An id has 1 to %d characters out of letters, digits, '_' and '.'.",
                          REVISION_ID_MAX);
    }
    *ret = id;
    return true;
}

/* ---- What it revises ---- */

static bool raise_heads(const struct creation *creation, const struct revision_list *heads,
                        struct error *err)
{
    struct str_list ids = { 0 };

    for (size_t i = 0; i < heads->count; i++)
        str_list_add(&ids, creation->arena, heads->items[i]->id);
    error_set(err, ERR_HEADS_MULTIPLE, "the scripts have %zu heads: %s", heads->count,
              str_list_join(&ids, ", ", creation->arena));
    return error_hint(err, "Say which head the new revision continues, or \"heads\" to merge "
                           "them all.");
}

static bool check_head(const struct revision *revision, struct error *err)
{
    if (revision->is_head)
        return true;
    error_set(err, ERR_TARGET_INVALID, "revision \"%s\" is not a head", revision->id);
    error_of_revision(err, revision->id);
    return error_hint(err, "A new revision continues a head; a second child would make a branch. "
                           "See `heads`.");
}

static bool choose_parents(const struct creation *creation, struct str_list *ret, struct error *err)
{
    static const version_rows no_rows = { 0 };
    const struct graph *graph = script_directory_graph(creation->directory);
    struct revision_list heads = { 0 };

    if (creation->request->head == NULL)
        heads = *graph_heads(graph);
    if (creation->request->head == NULL && heads.count > 1)
        return raise_heads(creation, &heads, err);
    if (creation->request->head != NULL &&
        !target_revisions(graph, &no_rows, creation->request->head, creation->arena, &heads, err))
        return false;
    for (size_t i = 0; i < heads.count; i++) {
        if (!check_head(heads.items[i], err))
            return false;
        str_list_add(ret, creation->arena, heads.items[i]->id);
    }
    return true;
}

/* Labels stay, since they move with their branch; partial ids are written in full. */
static bool choose_dependencies(const struct creation *creation, struct str_list *ret,
                                struct error *err)
{
    static const version_rows no_rows = { 0 };
    const struct graph *graph = script_directory_graph(creation->directory);

    for (size_t i = 0; i < creation->request->depends_on.count; i++) {
        const char *name = creation->request->depends_on.items[i];
        struct revision_list revisions = { 0 };

        if (graph_find_label(graph, name) != NULL) {
            str_list_add(ret, creation->arena, name);
            continue;
        }
        if (!target_revisions(graph, &no_rows, name, creation->arena, &revisions, err))
            return false;
        for (size_t k = 0; k < revisions.count; k++)
            str_list_add(ret, creation->arena, revisions.items[k]->id);
    }
    return true;
}

/* ---- The file ---- */

/* A label that holds a comma or a line break would be read as something else. */
static bool check_round_trip(const struct script *script, const struct script_header *header,
                             struct error *err)
{
    if (strcmp(script->id, header->id) == 0 && str_list_equal(&script->labels, &header->labels) &&
        str_list_equal(&script->depends_on, &header->depends_on))
        return true;
    error_set(err, ERR_ARGUMENT_INVALID, "a branch label is not valid");
    return error_hint(err, "A label is one word of letters, digits, '_' and '-'.");
}

static bool check_with_others(const struct creation *creation, const char *text, const char *path,
                              const struct script_header *header, struct error *err)
{
    size_t count = 0;
    const struct script *const *others = script_directory_scripts(creation->directory, &count);
    const struct script **all = arena_array(creation->arena, const struct script *, count + 1);
    struct script *script = NULL;
    struct graph *graph = NULL;

    if (!script_parse(str_of(text), path, creation->arena, &script, err) ||
        !check_round_trip(script, header, err))
        return false;
    if (count > 0)
        memcpy(all, others, count * sizeof(*all));
    all[count] = script;
    return graph_build(all, count + 1, creation->arena, &graph, err);
}

static const char *choose_path(const struct creation *creation, const struct script_header *header)
{
    const char *directory = creation->settings->scripts.items[0];
    struct str parent = str_of(directory);

    while (parent.len > 1 && str_ends_with(parent, "/"))
        parent = str_sub(parent, 0, parent.len - 1);
    return arena_printf(creation->arena, STR_FORMAT "/%s", STR_ARGS(parent),
                        script_file_name(header->id, header->message, creation->arena));
}

static bool write_script(const struct creation *creation, const struct script_header *header,
                         const char **ret_path, struct error *err)
{
    const char *text = script_format(header, creation->arena);
    const char *path = choose_path(creation, header);

    if (!check_with_others(creation, text, path, header, err) ||
        !file_write_new(path, text, strlen(text), SCRIPT_MODE, err))
        return false;
    *ret_path = path;
    return true;
}

bool revision_create(const struct engine_settings *settings, const struct revision_request *request,
                     struct arena *arena, const char **ret_path, struct error *err)
{
    cleanup(creation_release) struct creation creation = {
        .settings = settings,
        .request = request,
        .arena = arena,
    };
    struct script_header header = {
        .message = request->message == NULL ? "" : request->message,
        .labels = request->labels,
    };
    char now[CLOCK_TEXT_SIZE];

    clock_format_create_date(clock_wall_us(), now);
    header.create_date = now;
    if (!script_directory_load(&settings->scripts, &creation.directory, err) ||
        !choose_id(&creation, &header.id, err) ||
        !choose_parents(&creation, &header.revises, err) ||
        !choose_dependencies(&creation, &header.depends_on, err))
        return false;
    return write_script(&creation, &header, ret_path, err);
}
