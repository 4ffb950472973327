/*
 * token_set.c - the tokens that TCP asks for.
 */
#include "api/token_set.h"

#include "base/digest.h"

#include <stdio.h>

void token_set_init(struct token_set *set)
{
    *set = (struct token_set){ 0 };
    (void) pthread_mutex_init(&set->lock, NULL);
}

void token_set_release(struct token_set *set)
{
    arena_release(&set->arena);
    (void) pthread_mutex_destroy(&set->lock);
}

void token_set_replace(struct token_set *set, const struct api_token *tokens, size_t count)
{
    struct arena arena = { 0 };
    struct arena old cleanup(arena_release) = { 0 };
    struct api_token *copies = arena_array(&arena, struct api_token, count);

    for (size_t i = 0; i < count; i++) {
        copies[i] = tokens[i];
        copies[i].name = arena_strdup(&arena, tokens[i].name);
    }
    (void) pthread_mutex_lock(&set->lock);
    old = set->arena;
    set->arena = arena;
    set->tokens = copies;
    set->count = count;
    (void) pthread_mutex_unlock(&set->lock);
}

bool token_set_find(struct token_set *set, struct str secret, char name[TOKEN_NAME_MAX + 1],
                    enum access *ret)
{
    unsigned char digest[DIGEST_SIZE];
    const struct api_token *found = NULL;

    digest_sha256(secret.ptr, secret.len, digest);
    (void) pthread_mutex_lock(&set->lock);
    for (size_t i = 0; i < set->count; i++) {
        if (digest_equal(digest, set->tokens[i].digest))
            found = &set->tokens[i];
    }
    if (found != NULL) {
        (void) snprintf(name, TOKEN_NAME_MAX + 1, "%s", found->name);
        *ret = found->access;
    }
    (void) pthread_mutex_unlock(&set->lock);
    return found != NULL;
}
