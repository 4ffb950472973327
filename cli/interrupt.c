/*
 * interrupt.c - three signals and one flag.
 */
#include "cli/interrupt.h"

#include "base/attr.h"

#include <poll.h>
#include <signal.h>

static volatile sig_atomic_t was_asked;

static void on_signal(int number)
{
    (void) number;
    was_asked = 1;
}

/* What nohup(1) or a shell's `&` made deaf stays deaf. */
void interrupt_watch(void)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int) SA_RESETHAND };
    struct sigaction before;

    (void) sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void) sigaction(signals[i], &action, NULL);
    }
}

bool interrupt_was_asked(void)
{
    return was_asked != 0;
}

/* A signal just before poll(2) is noticed when the time is over: times are short. */
void interrupt_wait(uint32_t timeout_ms)
{
    (void) poll(NULL, 0, (int) timeout_ms);
}
