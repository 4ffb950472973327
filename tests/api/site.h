/*
 * site.h - a real server on a unix socket and on loopback, with a fake backend, and a client that
 * sends whatever bytes a test wants.
 */
#pragma once

#include "tests/unit/unit.h"

#include "api/server.h"
#include "tests/api/fake.h"

#define SITE_TOKEN "0123456789abcdef0123456789abcdef"

struct site {
    struct fake fake;
    struct server_options options; /* may be changed between site_init and site_start */
    struct server *server;
    struct api_token token;
    char directory[32];
    char path[64]; /* of the unix socket */
    unsigned port;
    pthread_mutex_t lock;
    struct strbuf log; /* guarded by lock: "PRIORITY message\n" each */
};

/* For cmocka: *state is a started struct site, with default options. */
int site_setup(void **state);
int site_teardown(void **state);

/* In steps, for tests that change options. */
struct site *site_new(void);
void site_start(struct site *site);
void site_free(struct site *site); /* stops it as well */

/* Listening sockets: at site->path, and on an address with a port that becomes site->port. */
int site_listen_unix(struct site *site);
int site_listen_tcp(struct site *site, uint32_t ip);

/* The log so far, in the arena. */
const char *site_log(struct site *site, struct arena *arena);

/* What a server answered. Release with reply_release. */
struct reply {
    unsigned status; /* 0: the connection was closed without an answer */
    char *head;      /* all header lines */
    char *body;
    size_t body_len;
};
void reply_release(struct reply *reply);
#define cleanup_reply cleanup(reply_release)

/* The value of a header of the reply, in the arena; NULL when there is none. */
const char *reply_header(const struct reply *reply, const char *name, struct arena *arena);

int site_connect(const struct site *site, enum listen_kind kind);

/* Send text in which PORT, TOKEN and HOST ("Host: localhost", with the port on TCP) are put in. */
void site_send(const struct site *site, int fd, enum listen_kind kind, const char *text);

/* Read one reply; has_body is false for HEAD and 304. */
struct reply reply_read(int fd, bool has_body);

/* Read one chunk of a body of unknown length, and add it to `out`; false for the last, which is
 * empty. */
bool chunk_read(int fd, struct strbuf *out);

/* Connect, send, read, close. */
struct reply site_ask(const struct site *site, enum listen_kind kind, const char *text);

/* "GET /path" over the unix socket: method and target, no body. */
struct reply site_do(const struct site *site, const char *method, const char *target);

/* What to send, and what to expect. Plain value. */
struct site_row {
    const char *bytes;
    unsigned status;
    const char *code; /* of the problem; NULL when it is none */
};

/* Send each over a connection of its own; the first that is answered otherwise fails the test. */
void site_expect(const struct site *site, enum listen_kind kind, const struct site_row *rows,
                 size_t count);

/* POST /upgrade, and do not wait for the job. */
void site_submit(const struct site *site);

/* Whether something can be read, or the end of file, within this time. */
bool is_readable(int fd, int timeout_ms);

/* Whether the server closed the connection: waits for it. */
bool is_closed_by_server(int fd);
