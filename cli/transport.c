/*
 * transport.c - what both transports share.
 */
#include "cli/transport.h"

void transport_close(struct transport *transport)
{
    if (transport->close != NULL)
        transport->close(transport->data);
    *transport = (struct transport){ .data = NULL };
}
