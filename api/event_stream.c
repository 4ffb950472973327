/*
 * event_stream.c - the backend's events as server-sent events.
 */
#include "api/event_stream.h"

#include "api/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX ((size_t) 16 * 1024 * 1024)
#define JOBS_MAX       1000 /* more than can be queued */

/* A job's state never moves on from one of these. */
static bool is_ended(enum job_state state)
{
    return state != JOB_QUEUED && state != JOB_RUNNING;
}

/* ---- Writing ---- */

/* Takes the value. A value that could not be made leaves the text overflowed, which is looked at
 * once, by whoever reads it. */
static void write_event(struct event_stream *stream, uint64_t number, const char *name,
                        json_t *value)
{
    char *line = value != NULL ? json_format_line(value) : NULL;

    json_decref(value);
    stream->text.is_overflowed |= line == NULL;
    strbuf_printf(&stream->text, "id: %" PRIu64 "\nevent: %s\ndata: ", number, name);
    strbuf_add_text(&stream->text, line != NULL ? line : "");
    strbuf_add_text(&stream->text, "\n\n");
    free(line);
}

void event_stream_write_alive(struct event_stream *stream)
{
    strbuf_add_text(&stream->text, ": alive\n\n");
}

static void write_current(struct event_stream *stream, uint64_t number)
{
    const struct backend *backend = stream->backend;
    struct arena arena cleanup(arena_release) = { 0 };
    struct snapshot snapshot;

    backend->snapshot_take(backend->data, &arena, &snapshot);
    write_event(stream, number, "current", json_of_current(&snapshot));
    backend->snapshot_release(backend->data, &snapshot);
}

/* A stream of a job is over with it. */
static void write_job(struct event_stream *stream, uint64_t number, const struct job_view *job)
{
    write_event(stream, number, "job", json_of_job(job));
    stream->is_over |= stream->start.job != NULL && is_ended(job->state);
}

/* ---- How things are ---- */

static void write_jobs(struct event_stream *stream, uint64_t number, enum job_state state,
                       struct arena *arena)
{
    const struct backend *backend = stream->backend;
    const struct job_filter filter = { .limit = JOBS_MAX, .has_state = true, .state = state };
    struct job_views jobs = { 0 };
    struct error ignored = { 0 };

    /* What cannot be listed is told of by its next event. */
    if (!backend->job_list(backend->data, &filter, arena, &jobs, &ignored))
        return;
    for (size_t i = jobs.count; i > 0; i--)
        write_job(stream, number, &jobs.items[i - 1]);
}

/* As of event `number`, or a little later: then its next event says the same again. */
static void write_state(struct event_stream *stream, uint64_t number)
{
    const struct backend *backend = stream->backend;
    struct arena arena cleanup(arena_release) = { 0 };
    struct job_view job;
    struct error ignored = { 0 };

    stream->after = number;
    if (stream->start.job == NULL) {
        write_current(stream, number);
        write_jobs(stream, number, JOB_RUNNING, &arena);
        write_jobs(stream, number, JOB_QUEUED, &arena);
    } else if (backend->job_get(backend->data, stream->start.job, &arena, &job, &ignored)) {
        write_job(stream, number, &job);
    } else {
        stream->is_over = true;
    }
}

static uint64_t newest_number(const struct backend *backend)
{
    struct event_batch batch;

    backend->events_read(backend->data, 0, &batch);
    return batch.newest;
}

static void begin(struct event_stream *stream)
{
    stream->has_begun = true;
    strbuf_add_text(&stream->text, "retry: 1000\n\n");
    if (stream->start.has_last)
        stream->after = stream->start.last;
    else
        write_state(stream, newest_number(stream->backend));
}

static void write_gap(struct event_stream *stream, uint64_t newest)
{
    write_event(stream, newest, "gap",
                json_of_gap(stream->after, "what followed is forgotten; this is how things are"));
    write_state(stream, newest);
}

/* ---- What happened ---- */

/* The job as it was at an event: what came of its run later is left out. */
static void turn_back(struct job_view *job, const struct event *event)
{
    const struct run_report *report = &job->report;

    if (!is_ended(event->state) && is_ended(job->state)) {
        struct run_report unfinished = {
            .verb = report->verb,
            .outcome = RUN_UNFINISHED,
            .target = report->target,
            .actor = report->actor,
            .reason = report->reason,
        };

        memcpy(unfinished.id, report->id, RUN_ID_SIZE);
        job->report = unfinished;
    }
    job->state = event->state;
    job->progress = event->progress;
    job->elapsed_us = event->elapsed_us;
    job->remaining_us = event->remaining_us;
}

static void write_happening(struct event_stream *stream, const struct event *event)
{
    const struct backend *backend = stream->backend;
    struct arena arena cleanup(arena_release) = { 0 };
    struct job_view job;
    struct error ignored = { 0 };

    if (event->kind == EVENT_CURRENT) {
        write_current(stream, event->number);
        return;
    }
    if (backend->job_get(backend->data, event->job, &arena, &job, &ignored)) {
        turn_back(&job, event);
        write_job(stream, event->number, &job);
    } else {
        /* It is forgotten already. */
        stream->is_over |= stream->start.job != NULL;
    }
}

static bool concerns(const struct event_stream_start *start, const struct event *event)
{
    return start->job == NULL || (event->kind == EVENT_JOB && strcmp(event->job, start->job) == 0);
}

/* The next event that was read; false when all were looked at. */
static bool take_event(struct event_stream *stream)
{
    const struct event *event = &stream->batch.items[stream->batch_next];

    if (stream->batch_next == stream->batch.count)
        return false;
    stream->batch_next++;
    stream->after = event->number;
    if (concerns(&stream->start, event))
        write_happening(stream, event);
    return true;
}

/* Ask for more events; false when there are none. */
static bool read_batch(struct event_stream *stream)
{
    struct event_batch *batch = &stream->batch;

    stream->backend->events_read(stream->backend->data, stream->after, batch);
    stream->batch_next = 0;
    if (!batch->has_gap)
        return batch->count > 0;
    batch->count = 0;
    write_gap(stream, batch->newest);
    return true;
}

/* Write the next piece, if there is one. */
static void write_next(struct event_stream *stream)
{
    strbuf_reset(&stream->text);
    stream->text_read = 0;
    if (!stream->has_begun)
        begin(stream);
    while (stream->text.len == 0 && !stream->is_over) {
        if (!take_event(stream) && !read_batch(stream))
            return;
    }
}

/* ---- Reading ---- */

void event_stream_init(struct event_stream *stream, const struct backend *backend,
                       const struct event_stream_start *start)
{
    *stream = (struct event_stream){ .backend = backend, .start = *start };
    strbuf_init(&stream->text, TEXT_BYTES_MAX);
}

void event_stream_release(struct event_stream *stream)
{
    strbuf_release(&stream->text);
}

bool event_stream_read(struct event_stream *stream, char *bytes, size_t max, size_t *ret_len,
                       struct error *err)
{
    size_t len = 0;

    if (stream->text_read == stream->text.len)
        write_next(stream);
    if (stream->text.is_overflowed)
        return error_set(err, ERR_INTERNAL, "could not write an event");
    len = stream->text.len - stream->text_read;
    len = len < max ? len : max;
    if (len > 0)
        memcpy(bytes, stream->text.ptr + stream->text_read, len);
    stream->text_read += len;
    *ret_len = len;
    return true;
}

bool event_stream_is_spent(const struct backend *backend, const struct event_stream_start *start)
{
    struct arena arena cleanup(arena_release) = { 0 };
    struct event_batch batch = { 0 };
    uint64_t after = start->last;
    struct job_view job;
    struct error ignored = { 0 };

    if (!start->has_last || start->job == NULL ||
        !backend->job_get(backend->data, start->job, &arena, &job, &ignored) ||
        !is_ended(job.state))
        return false;
    do {
        backend->events_read(backend->data, after, &batch);
        if (batch.has_gap)
            return false;
        for (size_t i = 0; i < batch.count; i++) {
            if (concerns(start, &batch.items[i]))
                return false;
            after = batch.items[i].number;
        }
    } while (batch.count > 0);
    return true;
}
