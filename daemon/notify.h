/*
 * notify.h - what systemd is told (sd_notify(3)): readiness, status, life signs. Nothing happens
 * without NOTIFY_SOCKET. Main thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* READY=1; the caller has made sure that it is true. */
void notify_ready(const char *status);
/* STATUS=, when it is not what was said last. */
void notify_status(const char *status);
/* STOPPING=1. */
void notify_stopping(const char *status);
/* RELOADING=1 and, once the scripts were read, READY=1. Only of use after notify_ready. */
void notify_reloading(void);
/* EXTEND_TIMEOUT_USEC=: starting or stopping may take this much longer from now. */
void notify_extend(uint64_t timeout_us);
/* WATCHDOG=1. */
void notify_alive(void);
/* Wait until everything was received: what a process says right before it ends is lost else. */
void notify_flush(void);

/* The watchdog's limit, 0 when there is none. */
uint64_t notify_watchdog_us(void);
