/*
 * owner.c - who files belong to.
 *
 * By path, never through a descriptor: closing one of a SQLite file would drop this process's locks
 * on it (sqlite.org/howtocorrupt.html section 2.2).
 */
#include "engine/owner.h"

#include "base/file.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void owner_adopt(const char *path, const char *database)
{
    cleanup(arena_release) struct arena arena = { 0 };
    struct stat st;

    if (geteuid() != 0)
        return;
    if ((strcmp(path, database) == 0 || stat(database, &st) != 0) &&
        stat(path_directory(database, &arena), &st) != 0)
        return;
    if (lchown(path, st.st_uid, st.st_gid) != 0)
        return;
}
