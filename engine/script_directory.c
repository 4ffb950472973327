/*
 * script_directory.c - reading all scripts once, and sharing the graph they make.
 */
#include "engine/script_directory.h"

#include "base/file.h"
#include "base/oom.h"
#include "engine/script_walk.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

struct script_directory {
    atomic_uint references;
    struct arena arena; /* holds everything below; not touched after loading */
    const struct script **scripts;
    size_t count;
    struct graph *graph;
};

static bool raise_unreadable(struct error *err, const struct error *cause, const char *path)
{
    struct source_pos pos = { .file = path };

    error_set(err, ERR_SCRIPT_UNREADABLE, "%s", cause->detail);
    error_hint(err,
               "Every *.sql file in a directory of scripts must be a readable regular file of "
               "at most %zu MiB.",
               SCRIPT_BYTES_MAX / (1024 * 1024));
    return error_at(err, &pos);
}

static bool read_script(const char *path, struct arena *arena, struct script **ret,
                        struct error *err)
{
    struct error cause = { 0 };
    struct str bytes = { 0 };

    if (!file_read(AT_FDCWD, path, SCRIPT_BYTES_MAX, arena, &bytes, &cause))
        return raise_unreadable(err, &cause, path);
    return script_parse(bytes, path, arena, ret, err);
}

static bool load(struct script_directory *directory, const struct str_list *paths,
                 struct error *err)
{
    struct str_list files = { 0 };

    for (size_t i = 0; i < paths->count; i++) {
        if (!script_walk(paths->items[i], &directory->arena, &files, err))
            return false;
    }
    directory->scripts = arena_array(&directory->arena, const struct script *, files.count);
    for (size_t i = 0; i < files.count; i++) {
        struct script *script = NULL;

        if (!read_script(files.items[i], &directory->arena, &script, err))
            return false;
        directory->scripts[directory->count++] = script;
    }
    return graph_build(directory->scripts, directory->count, &directory->arena, &directory->graph,
                       err);
}

bool script_directory_load(const struct str_list *paths, struct script_directory **ret,
                           struct error *err)
{
    cleanup_script_directory struct script_directory *directory = xcalloc(1, sizeof(*directory));

    atomic_init(&directory->references, 1);
    if (!load(directory, paths, err))
        return false;
    *ret = take_ptr(directory);
    return true;
}

struct script_directory *script_directory_ref(struct script_directory *directory)
{
    atomic_fetch_add(&directory->references, 1);
    return directory;
}

void script_directory_unref(struct script_directory *directory)
{
    if (directory == NULL || atomic_fetch_sub(&directory->references, 1) != 1)
        return;
    arena_release(&directory->arena);
    free(directory);
}

void script_directory_cleanup(struct script_directory **directory)
{
    script_directory_unref(*directory);
}

const struct graph *script_directory_graph(const struct script_directory *directory)
{
    return directory->graph;
}

const struct script *const *script_directory_scripts(const struct script_directory *directory,
                                                     size_t *ret_count)
{
    *ret_count = directory->count;
    return directory->scripts;
}

/* FNV-1a: nobody gains anything from a collision here but a reload that comes later. */
static void mix(uint64_t *hash, const void *bytes, size_t len)
{
    const unsigned char *from = bytes;

    for (size_t i = 0; i < len; i++)
        *hash = (*hash ^ from[i]) * UINT64_C(1099511628211);
}

static void mix_file(uint64_t *hash, const char *path)
{
    struct stat st = { 0 };

    mix(hash, path, str_of(path).len + 1);
    if (stat(path, &st) != 0)
        return;
    mix(hash, &st.st_size, sizeof(st.st_size));
    mix(hash, &st.st_mtim.tv_sec, sizeof(st.st_mtim.tv_sec));
    mix(hash, &st.st_mtim.tv_nsec, sizeof(st.st_mtim.tv_nsec));
    mix(hash, &st.st_ino, sizeof(st.st_ino));
    mix(hash, &st.st_mode, sizeof(st.st_mode));
}

uint64_t script_directory_fingerprint(const struct str_list *paths)
{
    cleanup(arena_release) struct arena arena = { 0 };
    struct str_list files = { 0 };
    struct error ignored = { 0 };
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < paths->count; i++) {
        if (!script_walk(paths->items[i], &arena, &files, &ignored))
            return 0;
    }
    for (size_t i = 0; i < files.count; i++)
        mix_file(&hash, files.items[i]);
    return hash == 0 ? 1 : hash;
}
