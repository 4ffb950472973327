/*
 * print_run.c - plans, runs, and what came of them.
 */
#include "cli/print.h"

#include "cli/json_read.h"

#include <string.h>

static const char running[] = "Running ";

/* "Running upgrade a -> b, message" of something that has not run: "Would run upgrade ...". */
static void print_step_line(struct printer *printer, const json_t *step, bool is_planned)
{
    const char *line = json_text(step, "line");

    if (line[0] == '\0')
        return;
    if (is_planned && strncmp(line, running, strlen(running)) == 0)
        print_format(printer, "Would run %s", line + strlen(running));
    else
        print_format(printer, "%s", line);
    if (!is_planned && printer->is_verbose)
        print_format(printer, " (%.1f ms)",
                     json_number_value(json_object_get(step, "duration_ms")));
    print_text(printer, TINT_NONE, "\n");
}

static void print_statement(struct printer *printer, const json_t *statement)
{
    const char *object = json_text(statement, "object");
    bool is_destructive = json_truth(statement, "destructive");

    print_format(printer, "    %s%s%s", json_text(statement, "verb"), object[0] != '\0' ? " " : "",
                 object);
    if (is_destructive) {
        print_text(printer, TINT_NONE, " ");
        print_text(printer, TINT_BAD, "(destructive)");
    }
    print_text(printer, TINT_NONE, "\n");
}

/* As `alembic upgrade --sql`, without its own statements. */
static void print_step_sql(struct printer *printer, const json_t *step)
{
    size_t index = 0;
    const json_t *statement = NULL;

    print_format(printer, "-- %s\n\n", json_text(step, "line"));
    json_array_foreach(json_object_get(step, "statements"), index, statement)
        print_format(printer, "%s;\n\n", json_text(statement, "sql"));
}

void print_plan(struct printer *printer, const json_t *plan)
{
    size_t index = 0;
    size_t inner = 0;
    const json_t *step = NULL;
    const json_t *statement = NULL;

    json_array_foreach(json_object_get(plan, "steps"), index, step)
    {
        if (printer->is_verbose) {
            print_step_sql(printer, step);
            continue;
        }
        print_step_line(printer, step, true);
        json_array_foreach(json_object_get(step, "statements"), inner, statement)
            print_statement(printer, statement);
    }
}

/* Alembic's line for a stamp, for all its rows at once. */
static void print_stamp(struct printer *printer, const json_t *run, bool is_planned)
{
    const json_t *from = json_object_get(run, "from");
    const json_t *to = json_object_get(run, "to");

    if (json_equal(from, to))
        return;
    print_text(printer, TINT_NONE,
               is_planned ? "Would run stamp_revision " : "Running stamp_revision ");
    print_texts(printer, from, ", ", "");
    print_text(printer, TINT_NONE, " -> ");
    print_texts(printer, to, ", ", "");
    print_text(printer, TINT_NONE, "\n");
}

static void print_steps(struct printer *printer, const json_t *run, bool is_planned)
{
    size_t index = 0;
    const json_t *step = NULL;

    if (strcmp(json_text(run, "verb"), "stamp") == 0) {
        print_stamp(printer, run, is_planned);
        return;
    }
    json_array_foreach(json_object_get(run, "steps"), index, step)
        print_step_line(printer, step, is_planned);
}

static void print_run_details(struct printer *printer, const json_t *run)
{
    print_format(printer, "Run: %s, %s\n", json_text(run, "id"), json_text(run, "outcome"));
    print_text(printer, TINT_NONE, "From: ");
    print_texts(printer, json_object_get(run, "from"), ", ", "<base>");
    print_text(printer, TINT_NONE, "\nTo: ");
    print_texts(printer, json_object_get(run, "to"), ", ", "<base>");
    print_format(printer, "\nBackup: %s\n",
                 json_has(run, "backup") ? json_text(run, "backup") : "none");
    print_format(printer, "Duration: %.1f ms\n",
                 json_number_value(json_object_get(run, "duration_ms")));
    if (json_number(run, "lock_wait_ms") > 0)
        print_format(printer, "Waited for the lock: %.1f ms\n",
                     json_number_value(json_object_get(run, "lock_wait_ms")));
}

void print_run(struct printer *printer, const json_t *run)
{
    bool is_planned = strcmp(json_text(run, "outcome"), "planned") == 0;

    if (json_has(run, "warning"))
        print_warning(printer, json_text(run, "warning"));
    if (printer->is_quiet)
        return;
    print_steps(printer, run, is_planned);
    if (strcmp(json_text(run, "verb"), "backup") == 0 && json_has(run, "backup"))
        print_format(printer, "%s\n", json_text(run, "backup"));
    if (printer->is_verbose)
        print_run_details(printer, run);
}
