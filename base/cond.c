/*
 * cond.c - condition variables on the monotonic clock.
 */
#include "base/cond.h"

#define US_PER_S 1000000

void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;

    (void) pthread_condattr_init(&monotonic);
    (void) pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void) pthread_cond_init(cond, &monotonic);
    (void) pthread_condattr_destroy(&monotonic);
}

struct timespec cond_deadline(int64_t monotonic_us)
{
    return (struct timespec){
        .tv_sec = (time_t) (monotonic_us / US_PER_S),
        .tv_nsec = (long) (monotonic_us % US_PER_S) * 1000,
    };
}
