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
    const struct environment *environment;
    struct transport transport;
    struct printer printer;
    struct arena *arena;
};

/* How far something is, where a person is to see it: a bar on a terminal, lines with --follow,
 * nothing with --quiet. */
struct progress session_progress(const struct session *session);

/* Ask the transport about a text, or NULL. */
must_check bool session_ask(struct session *session, enum question_kind kind, const char *text,
                            json_t **ret_answer, struct error *err);

/* Whether nothing is left to print: with --json the answer is printed, with --quiet not even
 * that. */
bool session_is_answered(struct session *session, const json_t *answer);

/* Run a request to its end, its progress shown. *ret_run as transport's run. */
must_check bool session_run(struct session *session, const struct run_request *request,
                            json_t **ret_run, struct error *err);

/* Who asks, for the journal: "uid 1000 (deploy) by schemadctl". In the arena. */
const char *session_actor(struct arena *arena);

/* The commands: the functions of command_get()'s rows. Each prints its answer, fails with whatever
 * the transport raises, and runs on the main thread. */
must_check bool command_backup(struct session *session, struct error *err);
must_check bool command_backups(struct session *session, struct error *err);
must_check bool command_branches(struct session *session, struct error *err);
must_check bool command_cancel(struct session *session, struct error *err);
must_check bool command_check(struct session *session, struct error *err);
must_check bool command_complete(struct session *session, struct error *err);
must_check bool command_completion(struct session *session, struct error *err);
must_check bool command_create(struct session *session, struct error *err);
must_check bool command_current(struct session *session, struct error *err);
must_check bool command_denials(struct session *session, struct error *err);
must_check bool command_downgrade(struct session *session, struct error *err);
must_check bool command_edit(struct session *session, struct error *err);
must_check bool command_ensure_version(struct session *session, struct error *err);
must_check bool command_events(struct session *session, struct error *err);
must_check bool command_heads(struct session *session, struct error *err);
must_check bool command_history(struct session *session, struct error *err);
must_check bool command_init(struct session *session, struct error *err);
must_check bool command_jobs(struct session *session, struct error *err);
must_check bool command_merge(struct session *session, struct error *err);
must_check bool command_plan(struct session *session, struct error *err);
must_check bool command_reset(struct session *session, struct error *err);
must_check bool command_revision(struct session *session, struct error *err);
must_check bool command_show(struct session *session, struct error *err);
must_check bool command_stamp(struct session *session, struct error *err);
must_check bool command_status(struct session *session, struct error *err);
must_check bool command_token(struct session *session, struct error *err);
must_check bool command_upgrade(struct session *session, struct error *err);
must_check bool command_wait(struct session *session, struct error *err);

/* `upgrade --sql` and its like. */
must_check bool command_sql(struct session *session, enum verb verb, struct error *err);

/* `jobs ID --follow`. */
must_check bool command_follow(struct session *session, const char *id, struct error *err);
