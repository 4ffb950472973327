/*
 * script_directory.h - the scripts on disk, read and parsed, as a graph that threads can share.
 *
 * Directories are read recursively in sorted path order; only *.sql counts; hidden names and
 * editors' leftovers are passed over; symbolic links may point inside the directory only, and at
 * scripts only. Each file is read once: the bytes that are hashed are the bytes that are parsed and
 * run.
 */
#pragma once

#include "migrations/graph.h"

struct script_directory;

/*
 * Read all scripts.
 *
 * paths  directories; their scripts count in this order, and within one in sorted path order.
 * ret    counted: script_directory_unref when done. Immutable: any thread may read it while it
 * holds
 *        a reference.
 * Fails  ERR_SCRIPT_UNREADABLE (directory missing, FIFO, device, oversized, link out of the
 *        directory, odd name, not readable), ERR_SCRIPT_INVALID and graph_build's errors.
 */
must_check bool script_directory_load(const struct str_list *paths, struct script_directory **ret,
                                      struct error *err);

/* One more reference; returns its argument. Any thread. */
struct script_directory *script_directory_ref(struct script_directory *directory);

/* One reference fewer, and the end of it with the last one; NULL is fine. Any thread. */
void script_directory_unref(struct script_directory *directory);

/* script_directory_unref for a variable that leaves its scope. */
void script_directory_cleanup(struct script_directory **directory);
#define cleanup_script_directory cleanup(script_directory_cleanup)

/* Lives as long as the reference. */
const struct graph *script_directory_graph(const struct script_directory *directory);

/*
 * The scripts themselves, in the order that decides ties; `count` of them. Live as long as the
 * reference.
 */
const struct script *const *script_directory_scripts(const struct script_directory *directory,
                                                     size_t *ret_count);

/*
 * A cheap fingerprint of the directories (names, sizes, modification times by stat): differs when
 * scripts were added, removed or edited. 0 when they cannot be read.
 */
uint64_t script_directory_fingerprint(const struct str_list *paths);
