/*
 * idempotency.h - a request's own name (the Idempotency-Key header), and the fingerprint by which
 * the same name for another request is noticed. Pure; any thread.
 */
#pragma once

#include "api/backend.h"

/*
 * Read the value of an Idempotency-Key header: 1 to IDEMPOTENCY_KEY_MAX visible ASCII characters,
 * bare, or as a string in quotes (RFC 8941 section 3.3.3), which means the same.
 *
 * ret    in the arena.
 * Fails  ERR_ARGUMENT_INVALID.
 */
must_check bool idempotency_key_parse(struct str header, struct arena *arena, const char **ret,
                                      struct error *err);

/* The fingerprint of what is asked: of every member but actor and id, so that it does not matter
 * who asks, and whether in a body or a query. */
void idempotency_fingerprint(const struct run_request *request, unsigned char fingerprint[32]);
