-- A journal of version 1 becomes one of version 2 (journal.sql says what is what).

ALTER TABLE runs ADD COLUMN warning TEXT;
ALTER TABLE runs ADD COLUMN lock_wait_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN queued_us INTEGER;

CREATE INDEX runs_by_outcome ON runs (outcome);
CREATE INDEX runs_by_verb ON runs (verb);
CREATE INDEX runs_by_actor ON runs (actor);
CREATE INDEX runs_by_time ON runs (coalesce(queued_us, started_us));

CREATE TABLE jobs (
    id              TEXT NOT NULL PRIMARY KEY,
    verb            TEXT NOT NULL,
    target          TEXT,
    actor           TEXT NOT NULL,
    reason          TEXT,
    idempotency_key TEXT,
    fingerprint     BLOB,
    queued_us       INTEGER NOT NULL,
    UNIQUE (actor, idempotency_key)
) STRICT;

CREATE INDEX jobs_by_time ON jobs (queued_us);

CREATE TABLE denials (
    number   INTEGER PRIMARY KEY,
    at_us    INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    actor    TEXT NOT NULL,
    method   TEXT NOT NULL,
    path     TEXT NOT NULL,
    repeated INTEGER NOT NULL DEFAULT 0
) STRICT;

PRAGMA user_version = 2;
