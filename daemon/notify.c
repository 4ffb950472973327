/*
 * notify.c - sd_notify and its words.
 */
#include "daemon/notify.h"

#include "base/clock.h"
#include "daemon/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define FLUSH_TIMEOUT_US ((uint64_t) 5000000)

/* What systemd knows. */
static char said[STATUS_SIZE];

static void remember(const char *status)
{
    (void) snprintf(said, sizeof(said), "%s", status);
}

void notify_ready(const char *status)
{
    (void) sd_notifyf(0, "READY=1\nSTATUS=%s", status);
    remember(status);
}

void notify_status(const char *status)
{
    if (strcmp(status, said) == 0)
        return;
    (void) sd_notifyf(0, "STATUS=%s", status);
    remember(status);
}

void notify_stopping(const char *status)
{
    (void) sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
    remember(status);
}

void notify_reloading(void)
{
    (void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_monotonic_us());
}

void notify_extend(uint64_t timeout_us)
{
    (void) sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, timeout_us);
}

void notify_alive(void)
{
    (void) sd_notify(0, "WATCHDOG=1");
}

void notify_flush(void)
{
    (void) sd_notify_barrier(0, FLUSH_TIMEOUT_US);
}

uint64_t notify_watchdog_us(void)
{
    uint64_t limit_us = 0;

    return sd_watchdog_enabled(0, &limit_us) > 0 ? limit_us : 0;
}
