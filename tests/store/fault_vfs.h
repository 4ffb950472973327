/*
 * fault_vfs.h - a file system that fails at the k-th operation: SQLite's own VFS with a counter in
 * front.
 *
 * Counted is whatever can change files: opening for writing, writes, syncs, truncations, deletions,
 * and the WAL's shared memory.
 */
#pragma once

enum fault_kind {
    FAULT_IO,   /* that operation fails with an I/O error */
    FAULT_FULL, /* no space left */
    FAULT_KILL, /* the process is killed before the operation */
};

/* Make it the default VFS of this process; call once. */
void fault_vfs_register(void);

/* Fail at operation `at` (1 is the next one), and at all later ones when sticky. */
void fault_arm(enum fault_kind kind, int at, int is_sticky);

/* No more faults. Returns whether one happened since fault_arm. */
int fault_disarm(void);
