/*
 * backup_list.c - which backups there are, and which are too many.
 */
#include "base/file.h"
#include "store/backup.h"
#include "store/backup_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct listed {
    struct backup_info info;
    unsigned number;
};

struct listing {
    struct listed *items;
    size_t count;
    size_t capacity;
};

static void directory_close(DIR **directory)
{
    if (*directory != NULL)
        closedir(*directory);
}
#define cleanup_directory cleanup(directory_close)

/* NULL without error when the directory is missing. */
static bool open_directory(const char *path, DIR **ret, struct error *err)
{
    *ret = opendir(path);
    if (*ret == NULL && errno != ENOENT)
        return error_set_errno(err, ERR_IO, errno, "could not read backup directory \"%s\"", path);
    return true;
}

static void listing_add(struct listing *listing, struct arena *arena, const struct listed *item)
{
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity == 0 ? 32 : 2 * listing->capacity;
        struct listed *items = arena_array(arena, struct listed, capacity);

        if (listing->count > 0)
            memcpy(items, listing->items, listing->count * sizeof(*items));
        listing->items = items;
        listing->capacity = capacity;
    }
    listing->items[listing->count++] = *item;
}

static int compare_newest_first(const void *left, const void *right)
{
    const struct listed *a = left;
    const struct listed *b = right;
    int order =
        (a->info.created_us < b->info.created_us) - (a->info.created_us > b->info.created_us);

    if (order == 0)
        order = (a->number < b->number) - (a->number > b->number);
    return order != 0 ? order : strcmp(b->info.name, a->info.name);
}

/* A directory that is being listed. */
struct scan {
    DIR *stream;
    const char *path;
    const char *prefix;
    struct arena *arena;
};

/*
 * Adds an entry when it is a finished backup; an empty file would open as a good and empty
 * database.
 */
static void list_entry(const struct scan *scan, const char *entry, struct listing *listing)
{
    const char *name = arena_strdup(scan->arena, entry);
    struct listed item = { 0 };
    struct stat st;

    if (!backup_name_parse(name, scan->prefix, scan->arena, &item.info, &item.number) ||
        fstatat(dirfd(scan->stream), name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
        st.st_size == 0)
        return;
    item.info.path = arena_printf(scan->arena, "%s/%s", scan->path, name);
    item.info.bytes = (uint64_t) st.st_size;
    listing_add(listing, scan->arena, &item);
}

bool backup_list(const char *directory, const char *prefix, struct arena *arena,
                 struct backup_infos *ret, struct error *err)
{
    cleanup_directory DIR *stream = NULL;
    struct listing listing = { 0 };
    const struct dirent *entry = NULL;
    struct scan scan = { .path = directory, .prefix = prefix, .arena = arena };

    if (!open_directory(directory, &stream, err))
        return false;
    scan.stream = stream;
    while (stream != NULL && (entry = readdir(stream)) != NULL)
        list_entry(&scan, entry->d_name, &listing);

    *ret = (struct backup_infos){
        .items = arena_array(arena, struct backup_info, listing.count + 1),
        .count = listing.count,
    };
    if (listing.count > 0)
        qsort(listing.items, listing.count, sizeof(*listing.items), compare_newest_first);
    for (size_t i = 0; i < listing.count; i++)
        ret->items[i] = listing.items[i].info;
    return true;
}

static bool remove_file(const char *path, struct error *err)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    return error_set_errno(err, ERR_IO, errno, "could not remove \"%s\"", path);
}

static bool remove_leftovers(const char *directory, const char *prefix, struct arena *arena,
                             struct error *err)
{
    cleanup_directory DIR *stream = NULL;
    const struct dirent *entry = NULL;

    if (!open_directory(directory, &stream, err))
        return false;
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        if (backup_name_is_leftover(entry->d_name, prefix) &&
            !remove_file(arena_printf(arena, "%s/%s", directory, entry->d_name), err))
            return false;
    }
    return true;
}

bool backup_prune(const char *directory, const char *prefix, unsigned keep, const char *protect,
                  struct error *err)
{
    cleanup(arena_release) struct arena arena = { 0 };
    struct backup_infos infos = { 0 };

    if (!remove_leftovers(directory, prefix, &arena, err) ||
        !backup_list(directory, prefix, &arena, &infos, err))
        return false;
    for (size_t i = keep; keep > 0 && i < infos.count; i++) {
        if (protect != NULL && strcmp(infos.items[i].name, protect) == 0)
            continue;
        if (!remove_file(infos.items[i].path, err))
            return false;
    }
    return true;
}
