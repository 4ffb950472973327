/*
 * negotiate.c - reading Accept: media ranges with their quality.
 */
#include "api/negotiate.h"

#include "base/str.h"

#define Q_MAX 1000

struct form {
    const char *range;    /* "text/plain" */
    const char *kind;     /* the same of any subtype */
    unsigned specificity; /* of the range that counts so far: 3 names the type, 2 its kind, 1
                             anything; 0: none did */
    unsigned q;           /* in thousandths */
};

/* Where `c` is, quoted strings aside; the length when it is not there. */
static size_t find_unquoted(struct str text, char c)
{
    bool is_quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            is_quoted = !is_quoted;
        else if (is_quoted && text.ptr[i] == '\\')
            i++;
        else if (!is_quoted && text.ptr[i] == c)
            return i;
    }
    return text.len;
}

/* Take what stands before the next `separator` off the front of `rest`. */
static struct str take_piece(struct str *rest, char separator)
{
    size_t end = find_unquoted(*rest, separator);
    struct str piece = str_trim(str_sub(*rest, 0, end));

    *rest = str_sub(*rest, end + 1, rest->len);
    return piece;
}

/* RFC 9110 section 12.4.2: "0", "0.5", "1.000"; at most three decimals. */
static bool q_parse(struct str text, unsigned *ret)
{
    uint64_t whole = 0;
    uint64_t decimals = 0;
    struct str rest = str_sub(text, 2, text.len);

    if (!str_to_u64(str_sub(text, 0, 1), 1, &whole))
        return false;
    if (text.len > 1 && text.ptr[1] != '.')
        return false;
    if (rest.len > 3 || (rest.len > 0 && !str_to_u64(rest, Q_MAX - 1, &decimals)))
        return false;
    for (size_t i = rest.len; i < 3; i++)
        decimals *= 10;
    *ret = (unsigned) (whole * Q_MAX + decimals);
    return *ret <= Q_MAX;
}

/* The quality among the parameters of a range; false when it is not one. */
static bool find_q(struct str params, unsigned *ret)
{
    *ret = Q_MAX;
    while (params.len > 0) {
        struct str param = take_piece(&params, ';');

        if (str_is_nocase(str_sub(param, 0, 2), "q="))
            return q_parse(str_sub(param, 2, param.len), ret);
    }
    return true;
}

static void weigh(struct form *form, struct str range, unsigned q)
{
    unsigned specificity = 0;

    if (str_is_nocase(range, form->range))
        specificity = 3;
    else if (str_is_nocase(range, form->kind))
        specificity = 2;
    else if (str_is(range, "*/*"))
        specificity = 1;
    if (specificity == 0 || specificity < form->specificity)
        return;
    if (specificity > form->specificity || q > form->q)
        form->q = q;
    form->specificity = specificity;
}

bool negotiate_prefers_text(const char *accept)
{
    struct form text = { .range = "text/plain", .kind = "text/*" };
    struct form json = { .range = "application/json", .kind = "application/*" };
    struct str rest = str_of(accept);

    while (rest.len > 0) {
        struct str params = take_piece(&rest, ',');
        struct str range = take_piece(&params, ';');
        unsigned q = 0;

        if (!find_q(params, &q))
            continue;
        weigh(&text, range, q);
        weigh(&json, range, q);
    }
    return text.q > json.q;
}
