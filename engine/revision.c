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
#include <sys/stat.h>

enum {
    ID_DIGITS = 12, /* as Alembic's */
    SCRIPT_MODE = 0664,
    DIRECTORY_MODE = 0775,
};

struct creation {
    const struct engine_settings *settings;
    const struct revision_request *request;
    struct arena *arena;
    struct script_directory *directory;
    struct revision_list parents;
    int64_t now_us;
};

static void creation_release(struct creation *creation)
{
    script_directory_unref(take_ptr(creation->directory));
}

const char *revision_id_new(struct arena *arena)
{
    char digits[ID_DIGITS + 1];

    digest_random_hex(digits, ID_DIGITS);
    return arena_strdup(arena, digits);
}

static bool choose_id(const struct creation *creation, const char **ret, struct error *err)
{
    const char *id = creation->request->id;

    if (id == NULL) {
        *ret = revision_id_new(creation->arena);
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
    return error_hint(err,
                      "Merge them first (`merge heads`), or say which one the new revision "
                      "continues (`--head %s`).",
                      heads->items[0]->id);
}

static bool check_head(const struct creation *creation, const struct revision *revision,
                       struct error *err)
{
    if (revision->is_head || creation->request->splice)
        return true;
    error_set(err, ERR_TARGET_INVALID, "revision \"%s\" is not a head", revision->id);
    error_of_revision(err, revision->id);
    return error_hint(err, "It was continued already; see `heads`. `--splice` continues it once "
                           "more, which makes a branch.");
}

static bool add_parent(struct creation *creation, const struct revision *revision,
                       struct error *err)
{
    if (!check_head(creation, revision, err))
        return false;
    revision_list_add(&creation->parents, creation->arena, revision);
    return true;
}

/* The revisions that a name stands for. A script knows no database, so "current" is nobody. */
static bool find_named(const struct creation *creation, const char *name, struct revision_list *ret,
                       struct error *err)
{
    static const version_rows no_rows = { 0 };
    const struct graph *graph = script_directory_graph(creation->directory);

    if (!target_revisions(graph, &no_rows, name, creation->arena, ret, err))
        return false;
    if (ret->count > 0 || strstr(name, "current") == NULL)
        return true;
    error_set(err, ERR_REVISION_UNKNOWN, "can't locate revision identified by '%s'", name);
    return error_hint(err, "Scripts continue scripts, wherever a database is: name a revision.");
}

static bool choose_parents(struct creation *creation, struct error *err)
{
    const struct graph *graph = script_directory_graph(creation->directory);
    const char *head = creation->request->head;
    struct revision_list heads = { 0 };

    if (head == NULL)
        heads = *graph_heads(graph);
    if (head == NULL && heads.count > 1)
        return raise_heads(creation, &heads, err);
    if (head != NULL && !find_named(creation, head, &heads, err))
        return false;
    for (size_t i = 0; i < heads.count; i++) {
        if (!add_parent(creation, heads.items[i], err))
            return false;
    }
    return true;
}

/* ---- What it merges ---- */

static bool raise_merge(const struct revision *revision, const char *why, struct error *err)
{
    error_set(err, ERR_TARGET_INVALID, "revision \"%s\" %s", revision->id, why);
    error_of_revision(err, revision->id);
    return error_hint(err, "A merge joins branches: name the head of each once, or \"heads\" for "
                           "all of them.");
}

static bool add_merged(struct creation *creation, const struct revision *revision,
                       struct error *err)
{
    const struct graph *graph = script_directory_graph(creation->directory);

    for (size_t i = 0; i < creation->parents.count; i++) {
        const struct revision *other = creation->parents.items[i];
        struct revision_set below = revision_set_new(graph, creation->arena);
        struct revision_set below_other = revision_set_new(graph, creation->arena);

        if (other == revision)
            return raise_merge(revision, "is named twice", err);
        revision_set_add_parents(&below, revision);
        revision_set_add_parents(&below_other, other);
        if (revision_set_has(&below, other))
            return raise_merge(other, "is an ancestor of another one that is named", err);
        if (revision_set_has(&below_other, revision))
            return raise_merge(revision, "is an ancestor of another one that is named", err);
    }
    return add_parent(creation, revision, err);
}

static bool choose_merged(struct creation *creation, const struct str_list *names,
                          struct error *err)
{
    const struct graph *graph = script_directory_graph(creation->directory);

    for (size_t i = 0; i < names->count; i++) {
        struct revision_list found = { 0 };

        if (strcmp(names->items[i], "heads") == 0)
            found = *graph_heads(graph);
        else if (!find_named(creation, names->items[i], &found, err))
            return false;
        for (size_t k = 0; k < found.count; k++) {
            if (!add_merged(creation, found.items[k], err))
                return false;
        }
    }
    if (creation->parents.count >= 2)
        return true;
    error_set(err, ERR_TARGET_INVALID, "there is nothing to merge: %s",
              creation->parents.count == 0 ? "no revision is named"
                                           : arena_printf(creation->arena, "\"%s\" is the only one",
                                                          creation->parents.items[0]->id));
    return error_hint(err, "A merge needs two revisions or more; `heads` shows what there is.");
}

/* ---- What it needs ---- */

/* Labels stay, since they move with their branch; partial ids are written in full. */
static bool choose_dependencies(const struct creation *creation, struct str_list *ret,
                                struct error *err)
{
    const struct graph *graph = script_directory_graph(creation->directory);

    for (size_t i = 0; i < creation->request->depends_on.count; i++) {
        const char *name = creation->request->depends_on.items[i];
        struct revision_list revisions = { 0 };

        if (graph_find_label(graph, name) != NULL) {
            str_list_add(ret, creation->arena, name);
            continue;
        }
        if (!find_named(creation, name, &revisions, err))
            return false;
        for (size_t k = 0; k < revisions.count; k++)
            str_list_add(ret, creation->arena, revisions.items[k]->id);
    }
    return true;
}

/* ---- Where it goes ---- */

static const char *without_final_slash(const char *path, struct arena *arena)
{
    struct str text = str_of(path);

    while (text.len > 1 && str_ends_with(text, "/"))
        text = str_sub(text, 0, text.len - 1);
    return arena_strndup(arena, text.ptr, text.len);
}

static bool is_same_directory(const char *a, const char *b)
{
    struct stat of_a;
    struct stat of_b;

    return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

/* The directory of scripts in which a path is; the innermost of several. NULL: in none. */
static const char *directory_of(const struct creation *creation, const char *path)
{
    const struct str_list *directories = &creation->settings->scripts;
    const char *found = NULL;
    size_t found_len = 0;

    for (size_t i = 0; i < directories->count; i++) {
        const char *directory = without_final_slash(directories->items[i], creation->arena);
        const char *prefix = arena_printf(creation->arena, "%s/", directory);

        if (str_starts_with(str_of(path), prefix) && strlen(prefix) > found_len) {
            found = directory;
            found_len = strlen(prefix);
        }
    }
    return found;
}

static bool raise_directory(const struct creation *creation, const char *what, struct error *err)
{
    const struct str_list *directories = &creation->settings->scripts;

    error_set(err, ERR_ARGUMENT_INVALID, "%s: %s", what,
              str_list_join(directories, ", ", creation->arena));
    return error_hint(err, "Say which one the script belongs to: `--version-path %s`.",
                      directories->items[0]);
}

static bool choose_directory(const struct creation *creation, const char **ret, struct error *err)
{
    const struct str_list *directories = &creation->settings->scripts;
    const char *wanted = creation->request->version_path;

    *ret = without_final_slash(directories->items[0], creation->arena);
    if (wanted == NULL && directories->count == 1)
        return true;
    if (wanted == NULL) {
        *ret = creation->parents.count == 0
                   ? NULL
                   : directory_of(creation, creation->parents.items[0]->script->path);
        return *ret != NULL ||
               raise_directory(creation, "there are several directories of scripts", err);
    }
    for (size_t i = 0; i < directories->count; i++) {
        *ret = without_final_slash(directories->items[i], creation->arena);
        if (is_same_directory(*ret, wanted))
            return true;
    }
    return raise_directory(creation,
                           arena_printf(creation->arena,
                                        "\"%s\" is not one of the directories of scripts", wanted),
                           err);
}

/* ---- The file ---- */

static bool check_labels(const struct str_list *labels, struct error *err)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (branch_label_is_valid(labels->items[i]))
            continue;
        error_set(err, ERR_ARGUMENT_INVALID, "branch label \"%s\" is not valid", labels->items[i]);
        return error_hint(err, "A label is one word of letters, digits, '_', '.', '-' and '/', "
                               "and none that a target has another meaning for.");
    }
    return true;
}

static bool check_with_others(const struct creation *creation, const char *text, const char *path,
                              struct error *err)
{
    size_t count = 0;
    const struct script *const *others = script_directory_scripts(creation->directory, &count);
    const struct script **all = arena_array(creation->arena, const struct script *, count + 1);
    struct script *script = NULL;
    struct graph *graph = NULL;

    if (!script_parse(str_of(text), path, creation->arena, &script, err))
        return false;
    if (count > 0)
        memcpy(all, others, count * sizeof(*all));
    all[count] = script;
    return graph_build(all, count + 1, creation->arena, &graph, err);
}

static bool choose_path(const struct creation *creation, const struct script_header *header,
                        const char **ret, struct error *err)
{
    const char *directory = NULL;
    const char *name = NULL;

    if (!choose_directory(creation, &directory, err) ||
        !script_name_format(&creation->request->name_style, header, creation->now_us / 1000000,
                            creation->arena, &name, err))
        return false;
    *ret = arena_printf(creation->arena, "%s/%s", directory, name);
    return true;
}

static bool write_script(const struct creation *creation, const struct script_header *header,
                         const char **ret_path, struct error *err)
{
    const char *text = script_format(header, creation->arena);
    const char *path = NULL;

    if (!choose_path(creation, header, &path, err) ||
        !check_with_others(creation, text, path, err) ||
        !directory_ensure(path_directory(path, creation->arena), DIRECTORY_MODE, err) ||
        !file_write_new(path, text, strlen(text), SCRIPT_MODE, err))
        return false;
    *ret_path = path;
    return true;
}

static const char *create_date(const struct creation *creation)
{
    char text[CLOCK_TEXT_SIZE];

    if (!creation->request->is_utc) {
        clock_format_create_date(creation->now_us, text);
        return arena_strdup(creation->arena, text);
    }
    clock_format_rfc3339(creation->now_us, text);
    return arena_printf(creation->arena, "%.10s %.8s.%06d+00:00", text, text + 11,
                        (int) (creation->now_us % 1000000));
}

/* merged: NULL for a revision that continues the request's head. */
static bool create(struct creation *creation, const struct str_list *merged, const char **ret_path,
                   struct error *err)
{
    const struct revision_request *request = creation->request;
    struct script_header header = {
        .message = request->message == NULL ? "" : request->message,
        .labels = request->labels,
        .sql = request->sql,
    };

    creation->now_us = clock_wall_us();
    header.create_date = create_date(creation);
    if (!script_directory_load(&creation->settings->scripts, &creation->directory, err) ||
        !choose_id(creation, &header.id, err) || !check_labels(&request->labels, err) ||
        !(merged == NULL ? choose_parents(creation, err) : choose_merged(creation, merged, err)) ||
        !choose_dependencies(creation, &header.depends_on, err))
        return false;
    for (size_t i = 0; i < creation->parents.count; i++)
        str_list_add(&header.revises, creation->arena, creation->parents.items[i]->id);
    return write_script(creation, &header, ret_path, err);
}

bool revision_create(const struct engine_settings *settings, const struct revision_request *request,
                     struct arena *arena, const char **ret_path, struct error *err)
{
    cleanup(creation_release) struct creation creation = {
        .settings = settings,
        .request = request,
        .arena = arena,
    };

    return create(&creation, NULL, ret_path, err);
}

bool merge_create(const struct engine_settings *settings, const struct str_list *revisions,
                  const struct revision_request *request, struct arena *arena,
                  const char **ret_path, struct error *err)
{
    cleanup(creation_release) struct creation creation = {
        .settings = settings,
        .request = request,
        .arena = arena,
    };

    return create(&creation, revisions, ret_path, err);
}
