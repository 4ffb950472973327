/*
 * site.h - a directory of the test's own with a database to be, scripts and settings.
 */
#pragma once

#include "tests/daemon/directory.h"

#include "engine/run.h"

/* Completed by site_make; relative to the test's directory. */
static struct engine_settings site_settings;
static struct arena site_arena;

static inline int site_make(void **state)
{
    struct error err = { .code = ERR_OK };

    if (directory_make(state) < 0 || mkdir("versions", 0700) < 0)
        return -1;
    site_settings = (struct engine_settings){ .database = "content.db" };
    str_list_add(&site_settings.scripts, &site_arena, "versions");
    return settings_complete(&site_settings, &site_arena, &err) ? 0 : -1;
}

static inline int site_remove(void **state)
{
    arena_release(&site_arena);
    return directory_remove(state);
}

/* versions/<id>.sql: a table of that name. */
static inline void site_script(const char *id, const char *revises)
{
    directory_write(arena_printf(&site_arena, "versions/%s.sql", id),
                    arena_printf(&site_arena,
                                 "-- table %s\n--\n-- Revision ID: %s\n-- Revises: %s\n\n"
                                 "-- migrate:up\nCREATE TABLE %s (x);\n\n"
                                 "-- migrate:down\nDROP TABLE %s;\n",
                                 id, id, revises, id, id),
                    0600);
}

/* A run that must succeed, by this actor. */
static inline void site_run(enum verb verb, const char *target, const char *actor)
{
    struct run_request request = { .verb = verb, .target = target, .actor = actor };
    struct error err = { .code = ERR_OK };
    struct run_report report;

    assert_true(engine_run(&site_settings, &request, NULL, &site_arena, &report, &err));
}
