/*
 * support.h - what the store tests share: a directory that goes away, SQL through a connection of
 * its own, and small histories.
 *
 * Failures end the test where they are found (cmocka), so nothing here returns an error unless a
 * test wants to look at it.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"
#include "migrations/graph.h"
#include "migrations/plan.h"
#include "store/journal.h"
#include "store/runner.h"

#include <stdbool.h>
#include <string.h>

#ifndef STORE_HELPER /* path of the helper program, from the build */
#define STORE_HELPER "helper"
#endif

/* A test's place and memory: setup and teardown of every case. */
struct place {
    struct arena arena;
    char directory[64];
    const char *path; /* of the database: <directory>/content.db */
};

int place_setup(void **state);
int place_teardown(void **state);

/* Path of a file in the place's directory, in its arena. */
const char *place_file(struct place *place, const char *name);

/* The path of a journal in this place, and that journal, opened; close it. */
const char *journal_path(struct place *place);
struct journal *journal_open_ok(struct place *place);

/* How many directory entries there are, hidden ones included, without "." and "..". */
unsigned place_count(const char *directory);

/* SQL through a connection of the test's own. */
void sql_run(const char *path, const char *sql);
const char *sql_text(struct place *place, const char *path,
                     const char *sql); /* rows joined by newlines, columns by '|' */
int64_t sql_number(const char *path, const char *sql);

/*
 * The whole content as text: schema, and every row of every table. Two databases that mean the same
 * give the same.
 */
const char *sql_dump(struct place *place, const char *path);

/* Another process (helper.c) that works on a database. */
struct helper {
    int pid;
    int input; /* closing it tells the helper to end */
};

/* Start `helper verb path argument` and wait until it is ready; argument may be NULL. */
struct helper helper_start(const char *verb, const char *path, const char *argument);

/* Tell it to end (or kill it outright) and wait for it. */
void helper_end(struct helper *helper);
void helper_kill(struct helper *helper);

/* A small linear or branched history of scripts. */
struct history {
    struct place *place;
    const struct script *scripts[16];
    size_t count;
};

/*
 * One script; place is "b2 <- a1", or "a1" for a base. extra is a header line without "-- "
 * ("Foreign Keys: on"), or NULL.
 */
void history_add(struct history *history, const char *place, const char *extra, const char *up,
                 const char *down);

const struct graph *history_graph(struct history *history);

/* What runs want to know; zero is a plain run without hooks. */
struct run_setting {
    enum transaction_mode transaction;
    bool allows_loss;
    uint32_t busy_timeout_ms;
    uint32_t timeout_ms;
    const struct run_hooks *hooks;
};

/* Bring the place's database up or down to target; result is in the arena. */
bool history_upgrade(struct history *history, const char *target, const struct run_setting *setting,
                     struct runner_result *result, struct error *err);
bool history_downgrade(struct history *history, const char *target,
                       const struct run_setting *setting, struct runner_result *result,
                       struct error *err);

/* The same, for runs that must succeed. */
void upgrade_ok(struct history *history, const char *target);
void downgrade_ok(struct history *history, const char *target);

/* "version rows" of the database, joined by a space, through the test's own connection. */
const char *version_text(struct place *place);

/* Every member of a report, one a line: two that are equal give the same. */
const char *report_text(struct place *place, const struct run_report *report);

/* Asserts with the error's text in the message. */
void assert_ok(bool is_done, const struct error *err);
void assert_error(bool is_done, const struct error *err, enum error_code code,
                  const char *detail_part);
void assert_contains(const char *text, const char *part);

/* A line for whoever reads the test's output; which row of a table is being tried. */
void tell(const char *format, ...) format_printf(1, 2);

#define place_test(function) cmocka_unit_test_setup_teardown(function, place_setup, place_teardown)
