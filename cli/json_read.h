/*
 * json_read.h - reading what a daemon or the engine answered, without surprise.
 *
 * Everything here takes any JSON, of any type, NULL included: what is missing or of another type is
 * empty. Pure; any thread. Texts are owned by the JSON.
 */
#pragma once

#include "base/error.h"

#include <jansson.h>
#include <stdint.h>

/* A member: its text ("" when there is none), its number rounded down (0), its truth (false). */
const char *json_text(const json_t *object, const char *name);
int64_t json_number(const json_t *object, const char *name);
bool json_truth(const json_t *object, const char *name);

/* Whether there is such a member and it is not null. */
bool json_has(const json_t *object, const char *name);

/* The error that a problem document (RFC 9457, as json_of_error writes it) tells. An unknown or
 * missing code becomes ERR_INTERNAL with the detail kept. */
void error_of_json(const json_t *problem, struct error *ret);
