/*
 * directory.h - a directory of its own for a test, removed afterwards, and files in it.
 */
#pragma once

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char test_directory[] = "/tmp/schemad-test-XXXXXX";

/* The directory is the working directory, so that names in tests are short. */
static inline int directory_make(void **state)
{
    (void) state;
    memcpy(test_directory + sizeof(test_directory) - sizeof("XXXXXX"), "XXXXXX", 6);
    return mkdtemp(test_directory) != NULL && chdir(test_directory) == 0 ? 0 : -1;
}

static inline int directory_remove_one(const char *path, const struct stat *status, int type,
                                       struct FTW *ftw)
{
    (void) status;
    (void) type;
    (void) ftw;
    return remove(path);
}

static inline int directory_remove(void **state)
{
    (void) state;
    return chdir("/") == 0 ? nftw(test_directory, directory_remove_one, 8, FTW_DEPTH | FTW_PHYS)
                           : -1;
}

static inline void directory_write(const char *name, const char *text, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t len = (ssize_t) strlen(text);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, (size_t) len), len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}
