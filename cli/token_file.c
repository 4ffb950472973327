/*
 * token_file.c - lock, read, check, write beside, rename.
 */
#include "cli/token_file.h"

#include "base/digest.h"
#include "base/file.h"
#include "migrations/nearest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX 65536
#define SUFFIX_DIGITS  16

/* A token file as it is. */
struct file {
    const char *path;
    bool exists;
    struct stat st; /* when it exists */
    struct str text;
    struct arena *arena;
};

/* ---- Reading ---- */

static bool check_file(const struct file *file, struct error *err)
{
    if (!S_ISREG(file->st.st_mode))
        return error_set(err, ERR_IO, "could not read token file \"%s\": it is %s", file->path,
                         file_kind(file->st.st_mode));
    if ((file->st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        error_set(err, ERR_CONFIG_INVALID, "token file \"%s\" is open to others (mode %04o)",
                  file->path, file->st.st_mode & 07777u);
        return error_hint(err, "Take their rights with \"chmod 600 %s\".", file->path);
    }
    if (file->st.st_size > FILE_BYTES_MAX)
        return error_set(err, ERR_IO, "token file \"%s\" is larger than %d bytes", file->path,
                         FILE_BYTES_MAX);
    return true;
}

static bool read_bytes(int fd, struct file *file, struct error *err)
{
    char *bytes = arena_alloc(file->arena, FILE_BYTES_MAX);
    size_t len = 0;

    while (len < FILE_BYTES_MAX) {
        ssize_t count = read(fd, bytes + len, FILE_BYTES_MAX - len);

        if (count < 0 && errno != EINTR)
            return error_set_errno(err, ERR_IO, errno, "could not read token file \"%s\"",
                                   file->path);
        if (count == 0)
            break;
        len += count > 0 ? (size_t) count : 0;
    }
    file->text = (struct str){ bytes, len };
    return true;
}

static bool read_file(const char *path, struct arena *arena, struct file *ret, struct error *err)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    *ret = (struct file){ .path = path, .arena = arena };
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0 && errno == ELOOP)
        return error_set(err, ERR_IO, "could not open token file \"%s\": it is a symbolic link",
                         path);
    if (fd < 0 || fstat(fd, &ret->st) != 0)
        return error_set_errno(err, ERR_IO, errno, "could not open token file \"%s\"", path);
    ret->exists = true;
    return check_file(ret, err) && read_bytes(fd, ret, err);
}

static bool is_token(struct str line)
{
    struct str text = str_trim(line);

    return text.len > 0 && text.ptr[0] != '#';
}

static bool parse(const struct file *file, struct token_list *ret, struct error *err)
{
    struct source_pos pos = { .file = file->path };
    struct str rest = file->text;

    *ret = (struct token_list){
        .items = arena_array(file->arena, struct api_token, file->text.len / 2 + 1),
    };
    while (rest.len > 0) {
        size_t end = str_find_char(rest, '\n', 0);
        struct str line = str_sub(rest, 0, end);

        pos.line++;
        if (is_token(line) &&
            !token_line_parse(str_trim(line), file->arena, &ret->items[ret->count++], err))
            return error_at(err, &pos);
        rest = str_sub(rest, end + 1, rest.len);
    }
    return true;
}

bool token_file_read(const char *path, struct arena *arena, struct token_list *ret,
                     struct error *err)
{
    struct file file;

    if (!read_file(path, arena, &file, err))
        return false;
    if (!file.exists)
        return error_set_errno(err, ERR_IO, ENOENT, "could not open token file \"%s\"", path);
    return parse(&file, ret, err);
}

/* ---- Writing ---- */

static bool lock_directory(const char *path, int *ret_fd, struct error *err)
{
    *ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret_fd < 0)
        return error_set_errno(err, ERR_IO, errno, "could not open directory \"%s\"", path);
    if (flock(*ret_fd, LOCK_EX) != 0)
        return error_set_errno(err, ERR_IO, errno, "could not lock directory \"%s\"", path);
    return true;
}

/* What root edits stays its owner's: the daemon must be able to read it. */
static bool keep_owner(const struct file *file, const char *path, struct error *err)
{
    struct stat st;

    if (!file->exists ||
        (lstat(path, &st) == 0 && st.st_uid == file->st.st_uid && st.st_gid == file->st.st_gid) ||
        lchown(path, file->st.st_uid, file->st.st_gid) == 0)
        return true;
    return error_set_errno(err, ERR_IO, errno, "could not give token file \"%s\" its owner",
                           file->path);
}

static bool replace(const struct file *file, struct str text, struct error *err)
{
    const char *directory = path_directory(file->path, file->arena);
    char suffix[SUFFIX_DIGITS + 1];
    const char *beside = NULL;

    digest_random_hex(suffix, SUFFIX_DIGITS);
    beside = arena_printf(file->arena, "%s/.%s.%s", directory, path_base(file->path), suffix);
    if (!file_write_new(beside, text.ptr, text.len, S_IRUSR | S_IWUSR, err))
        return false;
    if (keep_owner(file, beside, err) && rename(beside, file->path) == 0)
        return directory_sync(directory, err);
    (void) unlink(beside);
    return error_set_errno(err, ERR_IO, errno, "could not replace token file \"%s\"", file->path);
}

static const struct api_token *find(const struct token_list *tokens, const char *name)
{
    for (size_t i = 0; i < tokens->count; i++) {
        if (strcmp(tokens->items[i].name, name) == 0)
            return &tokens->items[i];
    }
    return NULL;
}

static bool append(const struct file *file, const char *name, const char *line, struct error *err)
{
    struct token_list tokens;
    struct strbuf text cleanup(strbuf_release);

    strbuf_init(&text, FILE_BYTES_MAX);
    if (!parse(file, &tokens, err))
        return false;
    if (find(&tokens, name) != NULL) {
        error_set(err, ERR_ARGUMENT_INVALID, "token \"%s\" is in \"%s\" already", name, file->path);
        return error_hint(err, "Revoke it first, or choose another name.");
    }
    strbuf_add(&text, file->text.ptr, file->text.len);
    if (text.len > 0 && text.ptr[text.len - 1] != '\n')
        strbuf_add_char(&text, '\n');
    strbuf_add_text(&text, line);
    strbuf_add_char(&text, '\n');
    if (text.is_overflowed)
        return error_set(err, ERR_IO, "token file \"%s\" would be larger than %d bytes", file->path,
                         FILE_BYTES_MAX);
    return replace(file, (struct str){ text.ptr, text.len }, err);
}

/* The text without the lines of this name. */
static void copy_others(const struct file *file, const char *name, struct strbuf *text)
{
    const char *prefix = arena_printf(file->arena, "%s:", name);
    struct str rest = file->text;

    while (rest.len > 0) {
        size_t end = str_find_char(rest, '\n', 0);
        struct str line = str_sub(rest, 0, end + 1);

        if (!str_starts_with(str_trim(line), prefix))
            strbuf_add(text, line.ptr, line.len);
        rest = str_sub(rest, end + 1, rest.len);
    }
}

static bool refuse_unknown(const struct file *file, const struct token_list *tokens,
                           const char *name, struct error *err)
{
    struct str_list known = { 0 };
    struct str_list near = { 0 };

    for (size_t i = 0; i < tokens->count; i++)
        str_list_add(&known, file->arena, tokens->items[i].name);
    near = nearest_find(str_of(name), &known, file->arena);
    error_set(err, ERR_NOT_FOUND, "no token \"%s\" is in \"%s\"", name, file->path);
    return near.count > 0
               ? error_hint(err, "Did you mean \"%s\"?", near.items[0])
               : error_hint(err, "\"schemadctl token list --file %s\" lists them.", file->path);
}

static bool drop(const struct file *file, const char *name, struct error *err)
{
    struct token_list tokens;
    struct strbuf text cleanup(strbuf_release);

    strbuf_init(&text, FILE_BYTES_MAX);
    if (!file->exists)
        return error_set_errno(err, ERR_IO, ENOENT, "could not open token file \"%s\"", file->path);
    if (!parse(file, &tokens, err))
        return false;
    if (find(&tokens, name) == NULL)
        return refuse_unknown(file, &tokens, name, err);
    copy_others(file, name, &text);
    return replace(file, (struct str){ strbuf_text(&text), text.len }, err);
}

bool token_file_add(const char *path, const char *name, const char *line, struct error *err)
{
    struct arena arena cleanup(arena_release) = { 0 };
    cleanup_fd int lock = -1;
    struct file file;

    return lock_directory(path_directory(path, &arena), &lock, err) &&
           read_file(path, &arena, &file, err) && append(&file, name, line, err);
}

bool token_file_remove(const char *path, const char *name, struct error *err)
{
    struct arena arena cleanup(arena_release) = { 0 };
    cleanup_fd int lock = -1;
    struct file file;

    return lock_directory(path_directory(path, &arena), &lock, err) &&
           read_file(path, &arena, &file, err) && drop(&file, name, err);
}
