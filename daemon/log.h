/*
 * log.h - what the process says to whoever runs it: the journal under systemd, standard error else.
 *
 * Only daemon/ logs; below it errors are returned. A line is written at once and whole, so any
 * thread may log. Control characters are replaced, so that what a client sent stays on one line.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>

/* Look once whether standard error is the journal ($JOURNAL_STREAM). Before other threads exist;
 * instance must outlive the process's last line. */
void log_open(const char *instance);

/* One line. priority is syslog(3)'s: LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG. */
void log_print(int priority, const char *format, ...) format_printf(2, 3);

/* Moments worth finding by their id: `journalctl MESSAGE_ID=...`; systemd/schemad.catalog explains
 * them. */
enum log_event {
    LOG_EVENT_STARTED,
    LOG_EVENT_READY,
    LOG_EVENT_RUN_SUCCEEDED,
    LOG_EVENT_RUN_FAILED,
    LOG_EVENT_RELOADED,
    LOG_EVENT_STOPPED,
};

/* What an event is about, for the journal's fields SCHEMAD_RUN, SCHEMAD_ACTOR, ...; NULL or 0 where
 * unknown. */
struct log_facts {
    const char *run;
    const char *verb;
    const char *actor;
    const char *from;
    const char *to;
    const char *code;     /* slug of the error */
    const char *revision; /* that failed */
    const char *file;
    unsigned line;
};

/* One line that carries its event's id and facts in the journal. facts may be NULL. */
void log_event(enum log_event event, int priority, const struct log_facts *facts,
               const char *message);
