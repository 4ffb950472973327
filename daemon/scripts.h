/*
 * scripts.h - writing new revision scripts for clients, where the configuration allows it.
 */
#pragma once

#include "api/backend.h"
#include "engine/settings.h"

/* What is configured about new scripts. Plain value. */
struct script_policy {
    bool is_writable; /* whether clients may have scripts written at all */
    struct script_name_style name_style;
    bool is_utc; /* as in struct revision_request */
};

/* Fails ERR_FORBIDDEN where scripts may not be written. */
must_check bool scripts_allow(const struct script_policy *policy, struct error *err);

/* A deep copy, as far as a submission counts (backend.h); all of it is in the arena. */
struct script_submission *scripts_copy(const struct script_submission *submission,
                                       struct arena *arena);

/* A script that was written. */
struct new_script {
    const char *id;
    const char *path;
};

/* Write the script; ret in the arena. Waits for the disk. Fails as revision_create and
 * merge_create. */
must_check bool scripts_write(const struct engine_settings *settings,
                              const struct script_policy *policy,
                              const struct script_submission *submission, struct arena *arena,
                              struct new_script *ret, struct error *err);
