/*
 * token_set.h - the tokens that TCP asks for, replaceable while requests are answered.
 *
 * THREAD SAFETY: any thread, any time between init and release; a lock inside, held for comparing
 * digests only.
 */
#pragma once

#include "api/token.h"

#include <pthread.h>

struct token_set {
    pthread_mutex_t lock;
    struct arena arena;       /* guarded by lock: names and tokens */
    struct api_token *tokens; /* guarded by lock */
    size_t count;             /* guarded by lock */
};

void token_set_init(struct token_set *set); /* empty: no secret is right */
void token_set_release(struct token_set *set);

/* From now on these, and these only; copied. */
void token_set_replace(struct token_set *set, const struct api_token *tokens, size_t count);

/*
 * Whose secret this is. Takes the same time whatever the secret is and whether or not it is there,
 * so that time says nothing: it is hashed even when empty, and compared with every token.
 *
 * name  terminated; it and ret are untouched when there is no such token.
 */
must_check bool token_set_find(struct token_set *set, struct str secret,
                               char name[TOKEN_NAME_MAX + 1], enum access *ret);
