/*
 * script_walk.c - walking a directory of scripts.
 *
 * A link is followed only to a file inside the directory: what is run is what lies there, not what
 * a link was bent to. (A directory of links into a hidden sibling, as Kubernetes mounts
 * configuration, is fine.) A link to a directory would give its scripts twice or for ever, and is
 * refused.
 */
#include "engine/script_walk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    DEPTH_MAX = 32
};

struct walk {
    struct arena *arena;
    const char *root; /* resolved, without a final '/' unless it is "/" */
    struct str_list files;
};

static void directory_close(DIR **directory)
{
    if (*directory != NULL)
        (void) closedir(*directory);
}

static bool raise_at(struct error *err, const char *path)
{
    struct source_pos pos = { .file = path };

    return error_at(err, &pos);
}

/* A name that cannot be shown cannot be told in an error either. */
static bool check_name(const char *path, const char *name, struct error *err)
{
    bool is_plain = str_is_utf8(str_of(name));

    for (const char *c = name; *c != '\0' && is_plain; c++)
        is_plain = (unsigned char) *c >= ' ' && *c != 0x7f;
    if (is_plain)
        return true;
    error_set(err, ERR_SCRIPT_UNREADABLE,
              "name of script \"%s\" holds control characters or is not UTF-8", path);
    error_hint(err, "Rename the file.");
    return raise_at(err, path);
}

static bool is_inside(const struct walk *walk, const char *resolved)
{
    size_t len = strlen(walk->root);

    return strncmp(resolved, walk->root, len) == 0 &&
           (resolved[len] == '/' || walk->root[len - 1] == '/');
}

static bool check_link(const struct walk *walk, const char *path, struct error *err)
{
    char resolved[PATH_MAX];
    struct stat st;

    if (realpath(path, resolved) == NULL) {
        error_set_errno(err, ERR_SCRIPT_UNREADABLE, errno, "could not follow symbolic link \"%s\"",
                        path);
        return raise_at(err, path);
    }
    if (!is_inside(walk, resolved)) {
        error_set(err, ERR_SCRIPT_UNREADABLE,
                  "symbolic link \"%s\" leads out of the directory, to \"%s\"", path, resolved);
        error_hint(err, "Copy the script into the directory, or name its directory as one more "
                        "directory of scripts.");
        return raise_at(err, path);
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        error_set(err, ERR_SCRIPT_UNREADABLE, "symbolic link \"%s\" leads to a directory", path);
        error_hint(err, "Remove the link; directories inside are read without it.");
        return raise_at(err, path);
    }
    return true;
}

static unsigned char entry_type(const struct dirent *entry, const char *path)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN || lstat(path, &st) != 0)
        return entry->d_type;
    return S_ISDIR(st.st_mode) ? DT_DIR : S_ISLNK(st.st_mode) ? DT_LNK : DT_REG;
}

/* A link that is no script and no directory is somebody else's, wherever it leads. */
static bool is_wanted_link(const char *path, bool is_script)
{
    struct stat st;

    return is_script || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static bool walk_directory(struct walk *walk, const char *path, unsigned depth, struct error *err);

static bool walk_entry(struct walk *walk, const struct dirent *entry, const char *directory,
                       unsigned depth, struct error *err)
{
    bool is_script = str_ends_with(str_of(entry->d_name), ".sql");
    const char *path = arena_printf(walk->arena, "%s/%s", directory, entry->d_name);
    unsigned char type = entry_type(entry, path);

    if (type == DT_DIR)
        return walk_directory(walk, path, depth + 1, err);
    if (type == DT_LNK && is_wanted_link(path, is_script) && !check_link(walk, path, err))
        return false;
    if (!is_script)
        return true;
    if (!check_name(path, entry->d_name, err))
        return false;
    str_list_add(&walk->files, walk->arena, path);
    return true;
}

static bool raise_directory(const char *path, struct error *err)
{
    error_set_errno(err, ERR_SCRIPT_UNREADABLE, errno, "could not read directory of scripts \"%s\"",
                    path);
    return raise_at(err, path);
}

static bool walk_directory(struct walk *walk, const char *path, unsigned depth, struct error *err)
{
    cleanup(directory_close) DIR *directory = opendir(path);

    if (directory == NULL)
        return raise_directory(path, err);
    if (depth > DEPTH_MAX) {
        error_set(err, ERR_SCRIPT_UNREADABLE, "directory \"%s\" is nested too deep", path);
        return raise_at(err, path);
    }
    for (;;) {
        const struct dirent *entry = NULL;

        errno = 0;
        entry = readdir(directory); /* one thread a stream */
        if (entry == NULL)
            return errno == 0 || raise_directory(path, err);
        if (entry->d_name[0] != '.' && !walk_entry(walk, entry, path, depth, err))
            return false;
    }
}

/* "versions/" and "versions" give the same paths. */
static const char *without_final_slash(const char *path, struct arena *arena)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    return arena_strndup(arena, path, len);
}

bool script_walk(const char *directory, struct arena *arena, struct str_list *ret,
                 struct error *err)
{
    struct walk walk = { .arena = arena };
    char resolved[PATH_MAX];

    if (realpath(directory, resolved) == NULL)
        return raise_directory(directory, err);
    walk.root = resolved;
    if (!walk_directory(&walk, without_final_slash(directory, arena), 0, err))
        return false;
    str_list_sort(&walk.files);
    for (size_t i = 0; i < walk.files.count; i++)
        str_list_add(ret, arena, walk.files.items[i]);
    return true;
}
