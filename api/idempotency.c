/*
 * idempotency.c - a request's own name, and its fingerprint.
 */
#include "api/idempotency.h"

#include "base/digest.h"

#include <inttypes.h>
#include <string.h>

#define CANONICAL_BYTES_MAX ((size_t) 1024 * 1024) /* far more than a request of 64 KiB can make */

/* ---- The key ---- */

static bool malformed(struct error *err, const char *what)
{
    (void) error_set(err, ERR_ARGUMENT_INVALID, "header Idempotency-Key %s", what);
    return error_hint(err, "Send 1 to %d visible ASCII characters, a random id for example.",
                      IDEMPOTENCY_KEY_MAX);
}

/* What stands between the quotes, escapes taken back. False when that is not all of a string. */
static bool read_quoted(struct str text, struct strbuf *out)
{
    for (size_t i = 1; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '"')
            return i == text.len - 1;
        if (c == '\\') {
            c = ++i < text.len ? text.ptr[i] : '\0';
            if (c != '"' && c != '\\')
                return false;
        }
        strbuf_add_char(out, c);
    }
    return false;
}

bool idempotency_key_parse(struct str header, struct arena *arena, const char **ret,
                           struct error *err)
{
    struct strbuf key cleanup(strbuf_release);

    header = str_trim(header);
    strbuf_init(&key, IDEMPOTENCY_KEY_MAX);
    if (!str_starts_with(header, "\""))
        strbuf_add(&key, header.ptr, header.len);
    else if (!read_quoted(header, &key))
        return malformed(err, "is not a quoted string, though it begins like one");
    if (key.is_overflowed)
        return malformed(err, "is too long");
    if (key.len == 0)
        return malformed(err, "is empty");
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] <= ' ' || key.ptr[i] > '~')
            return malformed(err, "holds a character that is not visible ASCII");
    }
    *ret = arena_strndup(arena, key.ptr, key.len);
    return true;
}

/* ---- The fingerprint ---- */

/* Lengths keep "a", "b" and "a, b" apart; "-" is what was not said. */
static void add_text(struct strbuf *out, const char *name, const char *text)
{
    if (text == NULL)
        strbuf_printf(out, "%s -\n", name);
    else
        strbuf_printf(out, "%s %zu:%s\n", name, strlen(text), text);
}

static void add_number(struct strbuf *out, const char *name, uint64_t number)
{
    strbuf_printf(out, "%s %" PRIu64 "\n", name, number);
}

static void add_list(struct strbuf *out, const char *name, const struct str_list *list)
{
    add_number(out, name, list->count);
    for (size_t i = 0; i < list->count; i++)
        add_text(out, name, list->items[i]);
}

void idempotency_fingerprint(const struct run_request *request, unsigned char fingerprint[32])
{
    struct strbuf out cleanup(strbuf_release);

    strbuf_init(&out, CANONICAL_BYTES_MAX);
    add_text(&out, "verb", verb_name(request->verb));
    add_text(&out, "target", request->target);
    add_list(&out, "stamps", &request->stamps);
    add_number(&out, "purge", request->purge);
    add_text(&out, "transaction",
             request->has_transaction ? transaction_mode_name(request->transaction) : NULL);
    add_text(&out, "backup", request->has_backup ? backup_policy_name(request->backup) : NULL);
    add_number(&out, "has_expect", request->has_expect);
    add_list(&out, "expect", &request->expect);
    add_number(&out, "dry_run", request->is_dry_run);
    add_text(&out, "reason", request->reason);
    add_number(&out, "lock_timeout_ms", request->lock_timeout_ms);
    add_number(&out, "timeout_ms", request->timeout_ms);
    digest_sha256(out.ptr, out.len, fingerprint);
}
