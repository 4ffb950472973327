/*
 * duration.h - a length of time as people write it: "250ms", "30s", "5m", "2h". Pure; any thread.
 */
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Read a duration: digits, and a unit ms, s, m or h directly behind them.
 *
 * unit_ms  what a bare number counts, in milliseconds; at least 1.
 * ret_ms   untouched on failure.
 *
 * False when text is anything else, or more than UINT32_MAX milliseconds (49 days).
 */
must_check bool duration_parse(struct str text, uint32_t unit_ms, uint32_t *ret_ms);
