/*
 * tokens.h - the bearer tokens that TCP asks for, read from a file that only its owner can read. It
 * holds digests (api/token.h), and nothing but these stays in memory.
 */
#pragma once

#include "api/token.h"
#include "daemon/config.h"

struct tokens {
    struct api_token *items;
    size_t count;
};

/*
 * Read the configured token file, else the credential `token` if systemd passes one, else nothing.
 *
 * A line is as token_line_parse says; blank lines and lines that begin with '#' are passed over.
 *
 * ret    in the arena.
 * Fails  ERR_CONFIG_INVALID (file and line: not a token's line, name twice; readable by others),
 *        ERR_IO.
 */
must_check bool tokens_read(const struct config *config, struct arena *arena, struct tokens *ret,
                            struct error *err);
