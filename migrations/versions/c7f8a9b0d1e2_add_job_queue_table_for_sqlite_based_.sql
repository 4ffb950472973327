-- Add job_queue table for SQLite-based job scheduling
--
-- Revision ID: c7f8a9b0d1e2
-- Revises: b5e9f2a1c3d4
-- Create Date: 2026-02-05 02:00:00.000000

-- migrate:up

-- A post to be published, and every attempt's state.
CREATE TABLE job_queue (
    id INTEGER NOT NULL,
    job_type VARCHAR(16) NOT NULL,
    status VARCHAR(10) NOT NULL,
    post_id INTEGER NOT NULL,
    scheduled_at DATETIME,
    priority INTEGER,
    attempts INTEGER,
    max_attempts INTEGER,
    last_error TEXT,
    next_retry_at DATETIME,
    started_at DATETIME,
    completed_at DATETIME,
    source_file VARCHAR(512),
    source_hash VARCHAR(64),
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (post_id) REFERENCES posts (id)
);

CREATE INDEX ix_job_queue_status ON job_queue (status);
CREATE INDEX ix_job_queue_scheduled_at ON job_queue (scheduled_at);
CREATE INDEX ix_job_queue_source_file ON job_queue (source_file);

-- migrate:down

DROP INDEX ix_job_queue_source_file;
DROP INDEX ix_job_queue_scheduled_at;
DROP INDEX ix_job_queue_status;
DROP TABLE job_queue;
