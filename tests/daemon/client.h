/*
 * client.h - who submits to the recorder, and what it was told.
 */
#pragma once

#include "tests/unit/unit.h"

#include "daemon/recorder.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CLIENT_WAIT_STEP_MS 1

struct client {
    struct acceptance acceptance; /* once accepted; its error is the member below */
    struct error error;
    atomic_uint accepted;
    atomic_uint ended;
};

static inline void client_accepted(void *cookie, const struct acceptance *acceptance)
{
    struct client *client = cookie;

    client->acceptance = *acceptance;
    if (acceptance->error != NULL)
        client->error = *acceptance->error;
    atomic_fetch_add(&client->accepted, 1);
}

/* Nobody who was not accepted is told of an end. Another thread cannot fail a test more softly. */
static inline void client_ended(void *cookie)
{
    struct client *client = cookie;

    if (atomic_load(&client->accepted) != 1)
        abort();
    atomic_fetch_add(&client->ended, 1);
}

/* An upgrade to target by "uid 7", and what differs from that. */
struct asking {
    const char *target;
    const char *key;
    unsigned char fingerprint;
    const struct error *refused_unless;
};

static inline void client_submit(struct client *client, struct recorder *recorder,
                                 const struct asking *asking)
{
    const struct run_request request = { .verb = VERB_UPGRADE,
                                         .target = asking->target,
                                         .actor = "uid 7" };
    const struct submission submission = {
        .request = &request,
        .idempotency_key = asking->key,
        .fingerprint = { asking->fingerprint },
        .refused_unless = asking->refused_unless,
    };

    client->error = (struct error){ .code = ERR_OK };
    client->acceptance = (struct acceptance){ .id = "" };
    atomic_store(&client->accepted, 0);
    atomic_store(&client->ended, 0);
    recorder_submit(recorder, &submission,
                    &(struct submit_hooks){ client, client_accepted, client_ended });
}

static inline void wait_for(atomic_uint *count)
{
    while (atomic_load(count) == 0)
        (void) poll(NULL, 0, CLIENT_WAIT_STEP_MS);
}

/* Submit, and be accepted. */
static inline void client_ask(struct client *client, struct recorder *recorder,
                              const struct asking *asking)
{
    client_submit(client, recorder, asking);
    wait_for(&client->accepted);
    assert_int_equal(client->error.code, ERR_OK);
    assert_int_equal(strlen(client->acceptance.id), RUN_ID_SIZE - 1);
}

/* Submit, and be refused with this. */
static inline void client_fail(struct client *client, struct recorder *recorder,
                               const struct asking *asking, enum error_code code)
{
    client_submit(client, recorder, asking);
    wait_for(&client->accepted);
    assert_int_equal(client->error.code, code);
    assert_string_equal(client->acceptance.id, "");
    assert_int_equal(atomic_load(&client->ended), 0);
}
