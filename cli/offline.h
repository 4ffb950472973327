/*
 * offline.h - the transport without a daemon: the engine in this process, its values as the
 * daemon's JSON.
 *
 * What only a daemon knows (its queue, its start, its requirement) is empty; ready means at head.
 */
#pragma once

#include "cli/options.h"
#include "cli/transport.h"

/*
 * Nothing is read yet; a missing database is not an error here.
 *
 * options  must outlive the transport.
 * Fails    as settings_complete.
 */
must_check bool offline_open(const struct options *options, struct arena *arena,
                             struct transport *ret_transport, struct error *err);
