/*
 * event_stream.h - the backend's events as server-sent events (WHATWG HTML section 9.2), one after
 * the other: what a client reads of GET /events and GET /jobs/{id}/events.
 *
 * A stream is made on demand: it remembers the number of the last event it wrote, and asks the
 * backend for what followed. So it keeps at most one answer in memory, however slow its reader is;
 * a reader so slow that the backend forgot what follows is told of the gap, and of how things are
 * now. Belongs to one http thread; never waits.
 */
#pragma once

#include "api/backend.h"

/* Where a stream begins, and what it is about. */
struct event_stream_start {
    const char *job; /* NULL: everything; outlives the stream */
    bool has_last;   /* the client knows events up to `last`: go on from there */
    uint64_t last;
};

struct event_stream {
    const struct backend *backend;
    struct event_stream_start start;
    bool has_begun;
    bool is_over;   /* the job's last event was written */
    uint64_t after; /* number of the last event that was written, or passed over */
    struct event_batch batch;
    size_t batch_next;  /* the first of it that was not looked at */
    struct strbuf text; /* being read */
    size_t text_read;
};

/* Nothing is written yet. */
void event_stream_init(struct event_stream *stream, const struct backend *backend,
                       const struct event_stream_start *start);
void event_stream_release(struct event_stream *stream);

/*
 * Read what comes next, at most `max` bytes.
 *
 * ret_len  how many; 0: nothing just now, and nothing ever again when is_over.
 * Fails    ERR_INTERNAL when memory is short.
 */
must_check bool event_stream_read(struct event_stream *stream, char *bytes, size_t max,
                                  size_t *ret_len, struct error *err);

/* Write a comment, so that whoever is between sees that the stream is alive. */
void event_stream_write_alive(struct event_stream *stream);

/* Whether a job ended and the client knows its last event: nothing is left to be said. */
bool event_stream_is_spent(const struct backend *backend, const struct event_stream_start *start);
