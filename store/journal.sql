-- The journal's own schema, version 2, for a new journal; journal_2.sql brings an old one here. Times are microseconds
-- since 1970 UTC; version rows are revision ids joined by single spaces, in order; an empty text is "no row".

CREATE TABLE scripts (
    sha256        TEXT NOT NULL PRIMARY KEY,  -- of text, 64 lower-case hexadecimal digits
    revision      TEXT NOT NULL,              -- id in its header
    path          TEXT NOT NULL,              -- where it was read
    text          BLOB NOT NULL,              -- the whole file, byte by byte
    first_seen_us INTEGER NOT NULL            -- when a run first needed it
) STRICT;

CREATE TABLE runs (
    number            INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of beginning; never used twice
    id                TEXT NOT NULL UNIQUE,               -- 16 hexadecimal digits
    verb              TEXT NOT NULL,                      -- upgrade, downgrade, stamp, backup
    target            TEXT,                               -- as asked; NULL when nothing was
    actor             TEXT NOT NULL,                      -- who asked
    reason            TEXT,                               -- why, in their words
    rows_before       TEXT NOT NULL,                      -- version rows the plan started from
    rows_planned      TEXT,                               -- version rows after success; NULL when no intent was written: then its other rows say nothing
    rows_after        TEXT,                               -- version rows when it ended; NULL while it is unfinished
    outcome           TEXT NOT NULL,                      -- unfinished, succeeded, failed, ...
    backup            TEXT,                               -- name of the backup made for it
    started_us        INTEGER NOT NULL,                   -- wall clock
    duration_us       INTEGER NOT NULL DEFAULT 0,         -- of the whole run
    error_code        TEXT,                               -- slug; NULL when there is no error
    error_sqlite_code INTEGER NOT NULL DEFAULT 0,         -- extended result code
    error_line        INTEGER NOT NULL DEFAULT 0,         -- place in the script
    error_column      INTEGER NOT NULL DEFAULT 0,
    error_revision    TEXT NOT NULL DEFAULT '',
    error_file        TEXT NOT NULL DEFAULT '',
    error_statement   TEXT NOT NULL DEFAULT '',           -- its start
    error_detail      TEXT NOT NULL DEFAULT '',           -- what is wrong
    error_hint        TEXT NOT NULL DEFAULT '',           -- what to do
    warning           TEXT,                               -- what went wrong beside a run that succeeded
    lock_wait_us      INTEGER NOT NULL DEFAULT 0,         -- part of the duration that it waited for the schema lock
    queued_us         INTEGER                             -- when its job was registered; NULL when it never was
) STRICT;

-- What lists of runs are asked for by.
CREATE INDEX runs_by_outcome ON runs (outcome);
CREATE INDEX runs_by_verb ON runs (verb);
CREATE INDEX runs_by_actor ON runs (actor);
CREATE INDEX runs_by_time ON runs (coalesce(queued_us, started_us));

CREATE TABLE run_steps (
    run_number      INTEGER NOT NULL REFERENCES runs,     -- whose step
    position        INTEGER NOT NULL,                     -- 0 for the first
    revision        TEXT NOT NULL,
    direction       TEXT NOT NULL,                        -- up, down
    message         TEXT NOT NULL DEFAULT '',             -- doc line
    line            TEXT NOT NULL DEFAULT '',             -- "Running upgrade a -> b, message"
    rows_after      TEXT,                                 -- version rows this step leaves
    script_sha256   TEXT REFERENCES scripts,              -- what is run; NULL when it is not known
    is_done         INTEGER NOT NULL DEFAULT 0,           -- 1 when it is committed; never in a dry run
    statement_count INTEGER NOT NULL DEFAULT 0,
    duration_us     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run_number, position)
) STRICT, WITHOUT ROWID;

-- Accepted jobs: those that have no run yet, and those whose idempotency key is remembered.
CREATE TABLE jobs (
    id              TEXT NOT NULL PRIMARY KEY,  -- of its run, too
    verb            TEXT NOT NULL,              -- as in runs
    target          TEXT,
    actor           TEXT NOT NULL,
    reason          TEXT,
    idempotency_key TEXT,                       -- the actor's own name for the request; NULL when there is none
    fingerprint     BLOB,                       -- SHA-256 of what was asked; NULL without a key
    queued_us       INTEGER NOT NULL,           -- wall clock
    UNIQUE (actor, idempotency_key)
) STRICT;

-- When a key is forgotten.
CREATE INDEX jobs_by_time ON jobs (queued_us);

-- Requests that were not let in.
CREATE TABLE denials (
    number   INTEGER PRIMARY KEY,         -- order of coming
    at_us    INTEGER NOT NULL,            -- wall clock
    reason   TEXT NOT NULL,               -- peer, token, access, host, origin
    actor    TEXT NOT NULL,               -- as far as it is known
    method   TEXT NOT NULL,
    path     TEXT NOT NULL,               -- without the query
    repeated INTEGER NOT NULL DEFAULT 0   -- how many more like it followed within a minute
) STRICT;

-- Which script a revision had when it was last applied.
CREATE INDEX run_steps_by_revision ON run_steps (revision, run_number);

PRAGMA application_id = 1935895140;  -- "scjd": file(1) and a second look at what this file is
PRAGMA user_version = 2;
