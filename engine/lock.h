/*
 * lock.h - the schema lock: one writer of the schema at a time, across processes (G2).
 *
 * An open-file-description lock (fcntl(2), F_OFD_SETLK) on `<database>.schemad-lock`: the kernel
 * frees it when its holder dies, so nothing has to be cleaned up. The file's text names the holder
 * for whoever is refused; it is not the lock. The file is never removed by us.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <stdint.h>

struct schema_lock;

/*
 * Take the lock, waiting up to timeout_ms.
 *
 * database  resolved path.
 * purpose   for the holder text: "upgrade to head". Process id, program and start time are added.
 * ret_lock  schema_lock_release gives it back. Threads of one process exclude each other too.
 * Fails     ERR_LOCKED (who holds it, what for, since when, how long), ERR_IO.
 */
must_check bool schema_lock_take(const char *database, const char *purpose, uint32_t timeout_ms,
                                 struct schema_lock **ret_lock, struct error *err);

/* Give the lock back; NULL is fine. */
void schema_lock_release(struct schema_lock *lock);

/* schema_lock_release for a variable that leaves its scope. */
void schema_lock_cleanup(struct schema_lock **lock);
#define cleanup_schema_lock cleanup(schema_lock_cleanup)
