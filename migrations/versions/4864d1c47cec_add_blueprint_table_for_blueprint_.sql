-- Add Blueprint table for blueprint caching
--
-- Revision ID: 4864d1c47cec
-- Revises: 9e9e70a4a06b
-- Create Date: 2026-01-17 04:02:59.038644

-- migrate:up

-- Blueprints read from files, kept parsed.
CREATE TABLE blueprints (
    id INTEGER NOT NULL,
    name VARCHAR(255) NOT NULL,
    category VARCHAR(50) NOT NULL,
    platform VARCHAR(50),
    data JSON NOT NULL,
    version VARCHAR(50),
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    PRIMARY KEY (id)
);

-- migrate:down

DROP TABLE blueprints;
