/*
 * job_list.h - jobs by the page, newest first, from queue and journal as if they were one.
 *
 * First come the queue's jobs that are not over, then what the journal has, in the order in which
 * it was written there. Between two pages a job may have moved from here to there; whoever was
 * listed after it still is.
 */
#pragma once

#include "daemon/queue.h"
#include "engine/settings.h"

/* What backend.h says of job_list. Any thread. */
must_check bool job_list_read(const struct engine_settings *settings, struct queue *queue,
                              const struct job_filter *filter, struct arena *arena,
                              struct job_views *ret, struct error *err);
