/*
 * fake.h - a daemon that says what it is told to: one answer a connection, in order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum fake_kind {
    FAKE_JSON,
    FAKE_EVENTS,      /* a stream that ends as it should */
    FAKE_CUT_EVENTS,  /* a stream whose connection breaks behind the body */
    FAKE_HELD_EVENTS, /* a stream that goes on until the client leaves */
    FAKE_HANG_UP,     /* no answer at all */
};

struct fake_answer {
    const char *request; /* how the request must begin: "GET /jobs" */
    enum fake_kind kind;
    unsigned status;     /* 0: 200 */
    const char *headers; /* more of them, each with its line end; NULL: none */
    const char *body;    /* single quotes stand for double ones */
};

struct fake;

/* Listens from now on. The answers must outlive it. */
struct fake *fake_start(const struct fake_answer *answers, size_t count);

/* Where it listens. */
const char *fake_socket(const struct fake *fake);

/* Ends it and fails the test unless every answer was given to the request it was for. Returns all
 * that was asked, one request after the other; free it. */
char *fake_end(struct fake *fake);
