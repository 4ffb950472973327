/*
 * token.h - bearer tokens: their secret, and the line by which a token file knows them.
 *
 * A line is `NAME:ACCESS:sha256:DIGEST`: name of 1 to 64 letters, digits, '-', '.', '_'; access as
 * access_name() says, but not none; digest of the secret's bytes, 64 lower-case hexadecimal digits.
 * A secret is TOKEN_SECRET_PREFIX and 64 hexadecimal digits (256 random bits), so that one that
 * leaked into a repository or a log can be found; with that many bits a plain SHA-256 needs no
 * salt. Pure but for the random bytes; any thread.
 */
#pragma once

#include "api/access.h"
#include "base/error.h"
#include "base/str.h"

#define TOKEN_SECRET_PREFIX "schemad_"
#define TOKEN_SECRET_SIZE   (8 + 64 + 1) /* with the terminator */
#define TOKEN_NAME_MAX      64
#define TOKEN_LINE_SIZE     (TOKEN_NAME_MAX + 1 + 7 + 1 + 6 + 1 + 64 + 1)

/* A token as the daemon knows it. */
struct api_token {
    const char *name;
    enum access access;
    unsigned char digest[32]; /* SHA-256 of the secret */
};

/* A new secret, terminated. Fails ERR_INTERNAL: no random bytes. */
must_check bool token_secret_new(char secret[TOKEN_SECRET_SIZE], struct error *err);

/* Whether this can be a token's name. */
bool token_name_is_valid(const char *name);

/* The line of a token, terminated, without a newline. name was checked. */
void token_line_format(const char *name, enum access access, const char *secret,
                       char line[TOKEN_LINE_SIZE]);

/*
 * Read a line; the name is made in the arena.
 *
 * Fails ERR_CONFIG_INVALID, without the line in the message: it may hold a secret. A bare secret or
 * `name:secret` is told how to become a line.
 */
must_check bool token_line_parse(struct str line, struct arena *arena, struct api_token *ret,
                                 struct error *err);
