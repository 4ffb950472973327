/*
 * tokens.c - reading the token file. No message quotes a line: it may hold a secret by mistake.
 */
#include "daemon/tokens.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t) 64 * 1024)

static bool has_name(const struct tokens *tokens, const char *name)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (strcmp(tokens->items[i].name, name) == 0)
            return true;
    return false;
}

/* There is room: one place a line was made. */
static bool add_line(struct str line, struct arena *arena, struct tokens *tokens, struct error *err)
{
    struct api_token token;

    if (!token_line_parse(line, arena, &token, err))
        return false;
    if (has_name(tokens, token.name))
        return error_set(err, ERR_CONFIG_INVALID, "token '%s' is there twice", token.name);
    tokens->items[tokens->count++] = token;
    return true;
}

static size_t count_lines(struct str bytes)
{
    size_t count = 1;

    for (size_t i = 0; i < bytes.len; i++)
        count += bytes.ptr[i] == '\n';
    return count;
}

static bool parse(struct str bytes, const char *path, struct arena *arena, struct tokens *tokens,
                  struct error *err)
{
    tokens->items = arena_array(arena, struct api_token, count_lines(bytes));
    for (unsigned number = 1; bytes.len > 0; number++) {
        size_t end = str_find_char(bytes, '\n', 0);
        struct str line = str_trim(str_sub(bytes, 0, end));

        bytes = str_sub(bytes, end + 1, bytes.len);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        if (!add_line(line, arena, tokens, err))
            return error_at(err, &(struct source_pos){ .file = path, .line = number });
    }
    return true;
}

static bool check_mode(const char *path, struct error *err)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return error_set_errno(err, ERR_IO, errno, "could not look at the token file '%s'", path);
    if (S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        (void) error_set(err, ERR_CONFIG_INVALID,
                         "token file '%s' can be used by others than its owner (mode %04o)", path,
                         (unsigned) (status.st_mode & 07777));
        return error_hint(err, "Run: chmod 600 '%s'", path);
    }
    return true;
}

static bool read_path(const char *path, struct arena *arena, struct tokens *ret, struct error *err)
{
    struct arena text = { NULL };
    struct str bytes;
    bool is_done;

    if (!check_mode(path, err))
        return false;
    is_done = file_read(AT_FDCWD, path, FILE_BYTES_MAX, &text, &bytes, err);
    if (is_done) {
        is_done = parse(bytes, path, arena, ret, err);
        explicit_bzero((char *) bytes.ptr, bytes.len);
    }
    arena_release(&text);
    return is_done;
}

bool tokens_read(const struct config *config, struct arena *arena, struct tokens *ret,
                 struct error *err)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    const char *credential;

    *ret = (struct tokens){ .count = 0 };
    if (config->token_file != NULL)
        return read_path(config->token_file, arena, ret, err);
    if (directory == NULL)
        return true;
    /* The unit's default is an empty credential: no tokens. */
    credential = arena_printf(arena, "%s/token", directory);
    return access(credential, F_OK) < 0 || read_path(credential, arena, ret, err);
}
