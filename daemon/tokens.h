/*
 * tokens.h - the bearer tokens that may change things over TCP, read from a file that only its
 * owner can read. Only their digests stay in memory.
 */
#pragma once

#include "api/server.h"
#include "daemon/config.h"

struct tokens {
    struct api_token *items;
    size_t count;
};

/*
 * Read the configured token file, else the credential `token` if systemd passes one, else nothing.
 *
 * A line is `name:token` or a bare token (named "default"); blank lines and lines that begin with
 * '#' are passed over.
 *
 * ret    in the arena.
 * Fails  ERR_CONFIG_INVALID (file and line: too short, odd characters, name twice; readable by
 *        others; none in a configured file), ERR_IO.
 */
must_check bool tokens_read(const struct config *config, struct arena *arena, struct tokens *ret,
                            struct error *err);
