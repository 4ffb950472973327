/*
 * backend.h - the daemon's side of api/backend.h: a struct of functions over snapshots, queue,
 * events, recorder and journal.
 */
#pragma once

#include "api/backend.h"
#include "daemon/recorder.h"
#include "daemon/worker.h"

/* What the functions work on; it and all it points to must outlive the backend. */
struct backend_parts {
    const struct engine_settings *settings;
    struct events *events;
    struct queue *queue;
    struct snapshots *snapshots;
    struct recorder *recorder;
    struct worker *worker;
    int64_t started_us; /* wall clock */
};

/* The backend over these parts; a plain value. */
struct backend backend_of(struct backend_parts *parts);
