/*
 * print.h - the one printer: JSON values as lines for people.
 *
 * Takes what the daemon answers (api/json.h) and nothing else, so that what is printed does not
 * depend on who was asked. Answers go to `out`, everything about them to `err`. Control characters
 * of texts are replaced: a message in a script cannot move the cursor.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <jansson.h>
#include <stdio.h>

enum tint {
    TINT_NONE,
    TINT_BAD,    /* red */
    TINT_GOOD,   /* green */
    TINT_NOTICE, /* yellow */
    TINT_DIM,
    TINT_STRONG,
};

struct printer {
    FILE *out;
    FILE *err;
    bool is_out_colored;
    bool is_err_colored;
    bool is_verbose;
    bool is_quiet;
    bool has_answered; /* a JSON document was printed */
};

/* A text with its control characters replaced. */
void print_clean(FILE *file, const char *text);

/* One JSON document, indented by two as the daemon's; and one as a line of many. */
void print_json(struct printer *printer, const json_t *json);
void print_json_line(struct printer *printer, const json_t *json);

/* "schemadctl: script.sql:3:1: detail" and "hint: ..." on err; with is_verbose also the code, the
 * statement and SQLite's code. */
void print_problem(struct printer *printer, const struct error *err);

/* "schemadctl: warning: text" on err; and what is only good to know, unless is_quiet. */
void print_warning(struct printer *printer, const char *text);
void print_note(struct printer *printer, const char *text);

/* A text on out, tinted when out is colored. */
void print_text(struct printer *printer, enum tint tint, const char *text);
void print_format(struct printer *printer, const char *format, ...) format_printf(2, 3);

/* The lines of /current and, with is_verbose, the entries of `texts` below Alembic's heading;
 * unknown rows are marked. */
void print_current(struct printer *printer, const json_t *current, const json_t *revisions);

/* A line (or, of full revisions with is_verbose, an entry) for each revision. */
void print_history(struct printer *printer, const json_t *revisions, bool shows_current);
void print_heads(struct printer *printer, const json_t *revisions);

/* The history as a drawing; is_ascii: without line-drawing characters. */
void print_graph(struct printer *printer, const json_t *revisions, bool shows_current,
                 bool is_ascii);

/* Branch points with what continues them; with is_verbose as entries. */
void print_branches(struct printer *printer, const json_t *branches);

/* What a check found, one line each with its hint below; or that all is well. */
void print_check(struct printer *printer, const json_t *findings);

/* The entry of a full revision; with is_verbose its SQL too. */
void print_revision(struct printer *printer, const json_t *revision);

/* The script of a revision that no file declares any more, whole, so that it can be put back. */
void print_kept(struct printer *printer, const json_t *kept);

/* The steps of a plan and what each statement does; with is_verbose as SQL. */
void print_plan(struct printer *printer, const json_t *plan);

/* What a run did: Alembic's line for each step that was committed; for a backup, its name. */
void print_run(struct printer *printer, const json_t *run);

/* What a verdict is called among people: "at head" for equal, the others as they are. */
const char *verdict_words(const char *verdict);

/* Everything at a glance. */
void print_status(struct printer *printer, const json_t *status);

/* Tables, newest first; and one job in full. */
void print_jobs(struct printer *printer, const json_t *jobs, struct arena *arena);
void print_job(struct printer *printer, const json_t *job);
void print_backups(struct printer *printer, const json_t *backups, struct arena *arena);
void print_denials(struct printer *printer, const json_t *denials, struct arena *arena);

/* One event of a daemon as a line. name: "job", "current" or "gap". */
void print_event(struct printer *printer, const char *name, const json_t *data);

/* The texts of an array, joined, on out; `none` when there are none. */
void print_texts(struct printer *printer, const json_t *array, const char *separator,
                 const char *none);
