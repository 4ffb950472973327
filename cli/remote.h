/*
 * remote.h - the transport to a daemon: each question is a request of openapi.yaml.
 *
 * Runs are queued under an idempotency key and then followed until they end, so that progress can
 * be shown, a run can be cancelled by its id, and a connection that breaks changes nothing.
 */
#pragma once

#include "cli/http.h"
#include "cli/options.h"
#include "cli/transport.h"

/*
 * Connect nowhere yet, but be ready to.
 *
 * options  must outlive the transport.
 * Fails    ERR_IO and ERR_ARGUMENT_INVALID (token file, socket path, URL).
 */
must_check bool remote_open(const struct options *options, struct arena *arena,
                            struct transport *ret_transport, struct error *err);

/* The body of POST /upgrade, /downgrade, /stamp or /backup: only what was asked. New reference. */
json_t *remote_body_of(const struct run_request *request);
