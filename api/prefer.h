/*
 * prefer.h - what a client would like (RFC 7240): whether to wait for the end of what it asks for,
 * and how long. Pure; any thread.
 */
#pragma once

#include "base/str.h"

#define PREFER_WAIT_S_MAX (24u * 60 * 60)

/* Plain value; zeroed: no preference. */
struct preferences {
    bool respond_async;
    bool has_wait;
    unsigned wait_s;
};

/* Add the preferences of a Prefer header to those of the headers before it. Other preferences are
 * ignored, and so is what is malformed, as the RFC says; of two alike the first counts. */
void prefer_parse(struct str header, struct preferences *preferences);
