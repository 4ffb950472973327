/*
 * transport.c - what both transports share.
 */
#include "cli/transport.h"

const char *transport_jobs_path(const struct job_filter *filter, struct arena *arena)
{
    const char *path = "/jobs?";

    if (filter->has_state)
        path = arena_printf(arena, "%sstate=%s&", path, job_state_name(filter->state));
    if (filter->has_verb)
        path = arena_printf(arena, "%sverb=%s&", path, verb_name(filter->verb));
    path = arena_printf(arena, "%slimit=%u", path, filter->limit);
    if (filter->before != NULL)
        path = arena_printf(arena, "%s&before=%s", path, filter->before);
    return path;
}

void transport_close(struct transport *transport)
{
    if (transport->close != NULL)
        transport->close(transport->data);
    *transport = (struct transport){ .data = NULL };
}
