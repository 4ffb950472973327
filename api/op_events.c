/*
 * op_events.c - GET /events and GET /jobs/{id}/events: what happens, as it happens, as server-sent
 * events.
 *
 * libmicrohttpd asks read_stream() for the next bytes whenever the client has taken those before.
 * With nothing to say it suspends the connection until there are news, so an idle stream costs no
 * time, and a client that does not read is not asked for. A comment every 15 seconds shows proxies
 * that the stream is alive, and us that the client is.
 */
#include "api/event_stream.h"
#include "api/ops.h"
#include "base/clock.h"

#include <string.h>

#define ALIVE_DEFAULT_MS      15000u
#define US_PER_MS             1000
#define LOOK_WHEN_STOPPING_US (100 * US_PER_MS)  /* whether a job is under way */
#define LOOK_EVERY_US         (1000 * US_PER_MS) /* whether the client is still there */

/* ---- Reading ---- */

/* While the server stops, nobody is waited for who is not there. */
static bool expects_news(struct request *request)
{
    const struct backend *backend = request_backend(request);
    struct arena arena cleanup(arena_release) = { 0 };
    struct snapshot snapshot;
    bool is_expected = false;

    if (waits_state_get(request->waits) == WAITS_SERVING)
        return true;
    if (client_is_gone(request->client))
        return false;
    backend->snapshot_take(backend->data, &arena, &snapshot);
    is_expected = request_expects_news(request, &snapshot);
    backend->snapshot_release(backend->data, &snapshot);
    return is_expected;
}

/* Until when it may be silent. */
static void note_alive(struct request *request, int64_t now_us)
{
    uint32_t alive_ms = request->options->stream_alive_ms;

    request->until_us = now_us + (int64_t) (alive_ms > 0 ? alive_ms : ALIVE_DEFAULT_MS) * US_PER_MS;
}

static void pause_stream(struct request *request, uint64_t seen, int64_t now_us)
{
    bool is_serving = waits_state_get(request->waits) == WAITS_SERVING;
    int64_t until_us = now_us + (is_serving ? LOOK_EVERY_US : LOOK_WHEN_STOPPING_US);

    if (is_serving && request->until_us < until_us)
        until_us = request->until_us;
    clients_move(request->clients, request->client, CLIENT_WAITING, 0);
    wait_pause(request->wait, seen, until_us);
}

/* The next bytes; 0 when the stream was suspended for want of any. That it ends is asked before the
 * events are, so that it never ends before the last of them. */
static ssize_t read_stream(void *data, uint64_t position, char *bytes, size_t max)
{
    struct request *request = data;
    struct event_stream *stream = request->stream;
    uint64_t seen = waits_news(request->waits);
    bool is_last = !expects_news(request);
    int64_t now_us = clock_monotonic_us();
    struct error ignored = { 0 };
    size_t len = 0;

    (void) position;
    if (!event_stream_read(stream, bytes, max, &len, &ignored))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (len == 0 && (stream->is_over || is_last))
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (len == 0 && client_is_gone(request->client))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (len == 0 && request->until_us > now_us) {
        pause_stream(request, seen, now_us);
        return 0;
    }
    if (len == 0) {
        event_stream_write_alive(stream);
        if (!event_stream_read(stream, bytes, max, &len, &ignored))
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    note_alive(request, now_us);
    clients_move(request->clients, request->client, CLIENT_READING, now_us);
    return (ssize_t) len;
}

/* ---- Opening ---- */

/* Where to go on, from one of the two places; *ret is left as it is when it says nothing. */
static bool read_last(const char *text, struct event_stream_start *ret, struct error *err)
{
    if (text == NULL)
        return true;
    ret->has_last = true;
    if (str_to_u64(str_of(text), UINT64_MAX, &ret->last))
        return true;
    return error_set(err, ERR_ARGUMENT_INVALID, "Last-Event-ID must be the number of an event");
}

static bool read_start(const struct request *request, struct event_stream_start *ret,
                       struct error *err)
{
    *ret = (struct event_stream_start){ .job = request->id };
    /* A client that comes back sends the header, however it came first: that one counts. */
    return read_last(uri_param_find(&request->uri, "last_event_id"), ret, err) &&
           read_last(request_header(request, "Last-Event-ID"), ret, err);
}

static bool answer_stream(struct request *request, struct error *err)
{
    if (!request_answer(request, MHD_HTTP_OK,
                        response_of_reader(read_stream, request, CONTENT_EVENTS), err))
        return false;
    /* For proxies that would rather collect a whole answer first. */
    response_add(request->answer.response, "X-Accel-Buffering", "no");
    return true;
}

/* libmicrohttpd 0.9.75 ends an answer of unknown length to HEAD with an empty chunk, which the
 * client would take for the beginning of its next answer. So this one has no chunks: it ends with
 * the connection. */
static bool answer_head(struct request *request, struct error *err)
{
    if (!answer_stream(request, err))
        return false;
    (void) MHD_set_response_options(request->answer.response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT,
                                    MHD_RO_END);
    return true;
}

static bool open_stream(struct request *request, struct error *err)
{
    struct event_stream_start start;
    struct wait *wait = NULL;

    if (!read_start(request, &start, err))
        return false;
    /* No content: whoever comes back for more knows that it is over. */
    if (event_stream_is_spent(request_backend(request), &start))
        return request_answer(request, MHD_HTTP_NO_CONTENT, response_empty(), err);
    if (strcmp(request->method, MHD_HTTP_METHOD_HEAD) == 0)
        return answer_head(request, err);
    wait = wait_for_news(request->waits, request->connection);
    if (wait == NULL)
        return error_set(err, ERR_QUEUE_FULL, "too many requests wait already");
    request_wait_begin(request, wait, NULL);
    request->stream = arena_new(&request->arena, struct event_stream);
    event_stream_init(request->stream, request_backend(request), &start);
    note_alive(request, clock_monotonic_us());
    return answer_stream(request, err);
}

bool op_events(struct request *request, struct error *err)
{
    return open_stream(request, err);
}

bool op_job_events(struct request *request, struct error *err)
{
    const struct backend *backend = request_backend(request);
    struct job_view job;

    return op_job_id_check(request->id, err) &&
           backend->job_get(backend->data, request->id, &request->arena, &job, err) &&
           open_stream(request, err);
}
