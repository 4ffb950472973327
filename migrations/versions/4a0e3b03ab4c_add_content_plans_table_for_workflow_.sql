-- Add content_plans table for workflow planning
--
-- Revision ID: 4a0e3b03ab4c
-- Revises: 4864d1c47cec
-- Create Date: 2026-01-17 04:40:28.792508

-- migrate:up

-- One idea of a week's plan (week_start_date is YYYY-MM-DD); post_id once it became a post.
CREATE TABLE content_plans (
    id INTEGER NOT NULL,
    week_start_date VARCHAR(10) NOT NULL,
    pillar VARCHAR(50) NOT NULL,
    framework VARCHAR(50) NOT NULL,
    idea TEXT NOT NULL,
    status VARCHAR(11) NOT NULL,
    post_id INTEGER,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (post_id) REFERENCES posts (id)
);

-- migrate:down

DROP TABLE content_plans;
