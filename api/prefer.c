/*
 * prefer.c - the Prefer header: `token [= word] *(; parameter)`, separated by commas. A word may be
 * a quoted string, in which commas and semicolons mean nothing.
 */
#include "api/prefer.h"

/* Length of the text up to a comma (or, in a preference, a semicolon) that is not quoted. */
static size_t length_until(struct str text, char end)
{
    bool is_quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (is_quoted && c == '\\')
            i++;
        else if (c == '"')
            is_quoted = !is_quoted;
        else if (c == end && !is_quoted)
            return i;
    }
    return text.len;
}

static struct str unquoted(struct str word)
{
    bool is_quoted = word.len >= 2 && word.ptr[0] == '"' && word.ptr[word.len - 1] == '"';

    return is_quoted ? str_sub(word, 1, word.len - 1) : word;
}

static void note(struct str preference, struct preferences *preferences)
{
    struct str one = str_sub(preference, 0, length_until(preference, ';'));
    size_t equals = str_find_char(one, '=', 0);
    struct str name = str_trim(str_sub(one, 0, equals));
    struct str value = unquoted(str_trim(str_sub(one, equals + 1, one.len)));
    uint64_t seconds = 0;

    /* An empty value is as good as none. */
    if (str_is_nocase(name, "respond-async") && value.len == 0)
        preferences->respond_async = true;
    if (str_is_nocase(name, "wait") && !preferences->has_wait &&
        str_to_u64(value, PREFER_WAIT_S_MAX, &seconds)) {
        preferences->has_wait = true;
        preferences->wait_s = (unsigned) seconds;
    }
}

void prefer_parse(struct str header, struct preferences *preferences)
{
    while (header.len > 0) {
        size_t end = length_until(header, ',');

        note(str_sub(header, 0, end), preferences);
        header = str_sub(header, end + 1, header.len);
    }
}
