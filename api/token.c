/*
 * token.c - secrets and lines of tokens. No message here quotes what was read.
 */
#include "api/token.h"

#include "base/digest.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define HASH_NAME          "sha256"
#define SECRET_BYTES       32

static_assert(TOKEN_SECRET_SIZE == sizeof(TOKEN_SECRET_PREFIX) + 2 * (size_t) SECRET_BYTES,
              "a secret is its prefix and two digits a byte");

static const char hex_digits[] = "0123456789abcdef";

enum part {
    PART_NAME,
    PART_ACCESS,
    PART_HASH,
    PART_DIGEST,
    PART_COUNT,
};

bool token_secret_new(char secret[TOKEN_SECRET_SIZE], struct error *err)
{
    unsigned char bytes[SECRET_BYTES];
    char *digit = secret + strlen(TOKEN_SECRET_PREFIX);

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes))
        return error_set_errno(err, ERR_INTERNAL, errno, "could not get random bytes");
    memcpy(secret, TOKEN_SECRET_PREFIX, strlen(TOKEN_SECRET_PREFIX));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        *digit++ = hex_digits[bytes[i] >> 4];
        *digit++ = hex_digits[bytes[i] & 0x0f];
    }
    *digit = '\0';
    explicit_bzero(bytes, sizeof(bytes));
    return true;
}

bool token_name_is_valid(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= TOKEN_NAME_MAX && strspn(name, LETTERS_AND_DIGITS "-._") == len;
}

void token_line_format(const char *name, enum access access, const char *secret,
                       char line[TOKEN_LINE_SIZE])
{
    char digest[DIGEST_HEX_SIZE];

    assert(token_name_is_valid(name));
    digest_sha256_hex(secret, strlen(secret), digest);
    (void) snprintf(line, TOKEN_LINE_SIZE, "%s:%s:%s:%s", name, access_name(access), HASH_NAME,
                    digest);
}

/* How many parts the line has; the first PART_COUNT of them are kept. */
static size_t split(struct str line, struct str parts[PART_COUNT])
{
    size_t count = 0;

    for (size_t from = 0; from <= line.len; count++) {
        size_t end = str_find_char(line, ':', from);

        if (count < PART_COUNT)
            parts[count] = str_sub(line, from, end);
        from = end + 1;
    }
    return count;
}

static int hex_value(char digit)
{
    const char *at = memchr(hex_digits, digit, sizeof(hex_digits) - 1);

    return at != NULL ? (int) (at - hex_digits) : -1;
}

static bool read_digest(struct str text, unsigned char digest[DIGEST_SIZE])
{
    if (text.len != (size_t) 2 * DIGEST_SIZE)
        return false;
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        int high = hex_value(text.ptr[2 * i]);
        int low = hex_value(text.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        digest[i] = (unsigned char) (high << 4 | low);
    }
    return true;
}

/* A text that is no C string is nobody's name, and no class's. */
static const char *text_of(struct str part, struct arena *arena)
{
    return memchr(part.ptr, '\0', part.len) == NULL ? arena_strndup(arena, part.ptr, part.len) : "";
}

bool token_line_parse(struct str line, struct arena *arena, struct api_token *ret,
                      struct error *err)
{
    struct str parts[PART_COUNT];
    struct api_token token = { 0 };

    if (split(line, parts) != PART_COUNT) {
        (void) error_set(err, ERR_CONFIG_INVALID,
                         "line of a token is not NAME:ACCESS:sha256:DIGEST");
        return error_hint(err, "Secrets do not belong here: put the line that 'schemadctl token "
                               "create NAME' prints, or for a secret that is in use, its digest "
                               "from: printf %%s SECRET | sha256sum");
    }
    token.name = text_of(parts[PART_NAME], arena);
    if (!token_name_is_valid(token.name))
        return error_set(err, ERR_CONFIG_INVALID,
                         "name of a token is not 1 to %d letters, digits, '-', '.' and '_'",
                         TOKEN_NAME_MAX);
    if (!access_find(text_of(parts[PART_ACCESS], arena), &token.access) ||
        token.access == ACCESS_NONE)
        return error_set(err, ERR_CONFIG_INVALID,
                         "access of a token is not 'read', 'operate' or 'destroy'");
    if (!str_is(parts[PART_HASH], HASH_NAME) || !read_digest(parts[PART_DIGEST], token.digest))
        return error_set(err, ERR_CONFIG_INVALID,
                         "digest of a token is not '" HASH_NAME
                         ":' and 64 lower-case hexadecimal digits");
    *ret = token;
    return true;
}
