/*
 * cond.h - condition variables that wait by the monotonic clock, so that setting the wall clock
 * neither wakes nor hangs anybody. Any thread.
 */
#pragma once

#include "base/attr.h"

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* A condition variable on the monotonic clock; pthread_cond_destroy() ends it. */
void cond_init(pthread_cond_t *cond);

/* What pthread_cond_timedwait() wants for a moment of clock_monotonic_us(). */
struct timespec cond_deadline(int64_t monotonic_us);
