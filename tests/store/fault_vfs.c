/*
 * fault_vfs.c - counting and failing (sqlite.org/testing.html section 3.2 does the same).
 */
#include "fault_vfs.h"

#include <assert.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

static struct {
    int is_armed;
    enum fault_kind kind;
    int at;
    int is_sticky;
    int count;
    int has_failed;
} fault;

void fault_arm(enum fault_kind kind, int at, int is_sticky)
{
    memset(&fault, 0, sizeof(fault));
    fault.is_armed = 1;
    fault.kind = kind;
    fault.at = at;
    fault.is_sticky = is_sticky;
}

int fault_disarm(void)
{
    fault.is_armed = 0;
    return fault.has_failed;
}

/* SQLITE_OK, or the error of the operation that is being counted. */
static int strike(int io_code)
{
    if (!fault.is_armed)
        return SQLITE_OK;
    fault.count++;
    if (fault.count != fault.at && !(fault.is_sticky && fault.count > fault.at))
        return SQLITE_OK;
    if (fault.kind == FAULT_KILL)
        kill(getpid(), SIGKILL);
    fault.has_failed = 1;
    return fault.kind == FAULT_FULL ? SQLITE_FULL : io_code;
}

/* --- files ------------------------------------------------------------------------------------ */

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* lies right behind this struct */
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct fault_file *) (void *) file)->real;
}

static int file_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), bytes, len, offset);
}

/* A write that fails may have written a part. */
static int file_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
    int code = strike(SQLITE_IOERR_WRITE);

    if (code != SQLITE_OK) {
        real_of(file)->pMethods->xWrite(real_of(file), bytes, len / 2, offset);
        return code;
    }
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, len, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = strike(SQLITE_IOERR_TRUNCATE);

    return code != SQLITE_OK ? code : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    int code = strike(SQLITE_IOERR_FSYNC);

    return code != SQLITE_OK ? code : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), ret);
}

static int file_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_lock(sqlite3_file *file, int *ret)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret);
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int file_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int page, int page_size, int extend,
                        void volatile **ret)
{
    int code = extend ? strike(SQLITE_IOERR_SHMMAP) : SQLITE_OK;

    return code != SQLITE_OK
               ? code
               : real_of(file)->pMethods->xShmMap(real_of(file), page, page_size, extend, ret);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int deletes)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), deletes);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* no memory-mapped reading */
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* --- the file system -------------------------------------------------------------------------- */

static sqlite3_vfs *real_vfs;
static sqlite3_vfs fault_vfs;

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    struct fault_file *wrapper = (struct fault_file *) (void *) file;
    int code = (flags & SQLITE_OPEN_CREATE) != 0 ? strike(SQLITE_CANTOPEN) : SQLITE_OK;

    (void) vfs;
    wrapper->base.pMethods = NULL;
    wrapper->real = (sqlite3_file *) (void *) (wrapper + 1);
    if (code == SQLITE_OK)
        code = real_vfs->xOpen(real_vfs, name, wrapper->real, flags, ret_flags);
    if (code == SQLITE_OK)
        wrapper->base.pMethods = &methods;
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int syncs)
{
    int code = strike(SQLITE_IOERR_DELETE);

    (void) vfs;
    return code != SQLITE_OK ? code : real_vfs->xDelete(real_vfs, name, syncs);
}

void fault_vfs_register(void)
{
    int code = SQLITE_OK;

    real_vfs = sqlite3_vfs_find(NULL);
    fault_vfs = *real_vfs;
    fault_vfs.zName = "fault";
    fault_vfs.pNext = NULL;
    fault_vfs.szOsFile = (int) sizeof(struct fault_file) + real_vfs->szOsFile;
    fault_vfs.xOpen = vfs_open;
    fault_vfs.xDelete = vfs_delete;
    code = sqlite3_vfs_register(&fault_vfs, 1);
    assert(code == SQLITE_OK);
    (void) code;
}
