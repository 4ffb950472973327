/*
 * support.h - what the engine tests share: a site with a database to be, scripts and settings.
 *
 * Directories, SQL by an own connection and assertions are those of the store tests.
 */
#pragma once

#include "tests/store/support.h"

#include "engine/run.h"
#include "engine/settings.h"

#ifndef ENGINE_HELPER /* path of the helper program, from the build */
#define ENGINE_HELPER "helper"
#endif

/* A place with settings: database content.db, scripts in versions/, all defaults. */
struct site {
    struct place *place;
    const char *scripts;
    struct engine_settings settings; /* completed */
};

/* A site without scripts; nothing but the empty directory versions/ is there. */
int site_setup(void **state);
int site_teardown(void **state);

#define site_test(function) cmocka_unit_test_setup_teardown(function, site_setup, site_teardown)

/* Write a file below the site's directory, making its directories; any bytes. */
void site_write(struct site *site, const char *name, const char *text);

/* Write versions/<id>.sql. */
void site_script(struct site *site, const char *id, const char *revises, const char *up,
                 const char *down);

/* aaaa (table a) <- bbbb (table b, a row) <- cccc (column a.note): most stories need no more. */
void site_three(struct site *site);

/* Whether something of that name is below the site's directory. */
bool site_has(struct site *site, const char *name);

/* engine_run, nothing but verb and target said, or more. Reports live in the place's arena. */
bool site_run(struct site *site, enum verb verb, const char *target, struct run_report *report,
              struct error *err);
bool site_ask(struct site *site, const struct run_request *request, struct run_report *report,
              struct error *err);

/* An upgrade that must succeed. */
void site_upgrade(struct site *site, const char *target);

/* "outcome verb target: before -> after", one line a run, newest first. */
const char *site_journal(struct site *site);

/* Ids joined by a space. */
const char *rows_text(struct site *site, const version_rows *rows);

void assert_rows(struct site *site, const version_rows *rows, const char *expected);

/* Run `verb` to target in a process of its own that is killed when it enters `moment`
 * ("backup", "running:2", "committing", see helper.c). Fails when it was not killed. */
void site_kill_at(struct site *site, const char *verb, const char *target, const char *moment);
