/*
 * config.h - the configuration: defaults, then the file, then the command line; every value
 * checked, every error with its place.
 */
#pragma once

#include "api/server.h"
#include "daemon/options.h"
#include "daemon/scripts.h"
#include "engine/settings.h"
#include "migrations/accept.h"

enum on_failure {
    ON_FAILURE_EXIT, /* with a status that says why */
    ON_FAILURE_HOLD, /* serve, not ready, until somebody brings the schema there */
};

/* Everything the process has to know, checked and complete. Immutable once read; strings live in
 * the arena it was read into. */
struct config {
    const char *instance;
    const char *file; /* that was read; NULL when there was none */
    struct engine_settings engine;
    struct script_policy scripts;

    const char *upgrade_to;           /* "head", "none" or a target */
    const char *accept;               /* "FROM..TO", ready as well; NULL: no range */
    struct accept_range accept_range; /* of accept */
    enum on_failure on_failure;

    const char *socket;
    bool is_socket_default; /* then its directory is made, too */
    const char *tcp;        /* "127.0.0.1:8420"; NULL: none */
    const char *token_file; /* NULL: the credential, or none */
    struct access_lists peers;
    bool tcp_reads_openly;
    uint32_t request_timeout_ms;
    uint32_t connections_max;
    uint32_t stop_timeout_ms;
};

/*
 * Read the configuration.
 *
 * options   the command line; overrides the file.
 * ret       complete (settings_complete was called); lives as long as the arena.
 * Fails     ERR_CONFIG_INVALID (file and line, nearest known name as hint), ERR_ARGUMENT_INVALID
 *           (an option's value), ERR_IO (file unreadable, or missing though asked for).
 */
must_check bool config_read(const struct options *options, struct arena *arena, struct config *ret,
                            struct error *err);
