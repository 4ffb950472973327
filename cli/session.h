/*
 * session.h - what a command works with: what was asked, whom to ask, where to print.
 */
#pragma once

#include "cli/options.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/transport.h"

struct session {
    const struct options *options;
    struct transport transport;
    struct printer printer;
    struct arena *arena;
};

/* How far something is, where a person is to see it: a bar on a terminal, lines with --follow,
 * nothing with --quiet. */
struct progress session_progress(const struct session *session);

/* The commands: the functions of command_get()'s rows. Each prints its answer, fails with whatever
 * the transport raises, and runs on the main thread. */
must_check bool command_backup(struct session *session, struct error *err);
must_check bool command_backups(struct session *session, struct error *err);
must_check bool command_cancel(struct session *session, struct error *err);
must_check bool command_current(struct session *session, struct error *err);
must_check bool command_denials(struct session *session, struct error *err);
must_check bool command_downgrade(struct session *session, struct error *err);
must_check bool command_events(struct session *session, struct error *err);
must_check bool command_heads(struct session *session, struct error *err);
must_check bool command_history(struct session *session, struct error *err);
must_check bool command_jobs(struct session *session, struct error *err);
must_check bool command_plan(struct session *session, struct error *err);
must_check bool command_revision(struct session *session, struct error *err);
must_check bool command_show(struct session *session, struct error *err);
must_check bool command_stamp(struct session *session, struct error *err);
must_check bool command_status(struct session *session, struct error *err);
must_check bool command_token(struct session *session, struct error *err);
must_check bool command_upgrade(struct session *session, struct error *err);
must_check bool command_wait(struct session *session, struct error *err);

/* `jobs ID --follow`. */
must_check bool command_follow(struct session *session, const char *id, struct error *err);
