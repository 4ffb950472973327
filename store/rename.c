/*
 * rename.c - rename without replacing, also where the file system cannot.
 */
#include "store/rename.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS) /* these two: the file system does not know the flag */
        return false;
    return link(from, to) == 0 && unlink(from) == 0;
}
