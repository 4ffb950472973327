-- Add brand planner fields to content_plans
--
-- Revision ID: b5e9f2a1c3d4
-- Revises: 4a0e3b03ab4c
-- Create Date: 2026-02-05 01:30:00.000000

-- migrate:up

ALTER TABLE content_plans ADD COLUMN game VARCHAR(30);
ALTER TABLE content_plans ADD COLUMN hook_type VARCHAR(30);
ALTER TABLE content_plans ADD COLUMN core_insight TEXT;
ALTER TABLE content_plans ADD COLUMN context_summary TEXT;
ALTER TABLE content_plans ADD COLUMN structure_preview TEXT;
ALTER TABLE content_plans ADD COLUMN rationale TEXT;
ALTER TABLE content_plans ADD COLUMN source_theme VARCHAR(255);
ALTER TABLE content_plans ADD COLUMN audience_value VARCHAR(20);

-- migrate:down

ALTER TABLE content_plans DROP COLUMN audience_value;
ALTER TABLE content_plans DROP COLUMN source_theme;
ALTER TABLE content_plans DROP COLUMN rationale;
ALTER TABLE content_plans DROP COLUMN structure_preview;
ALTER TABLE content_plans DROP COLUMN context_summary;
ALTER TABLE content_plans DROP COLUMN core_insight;
ALTER TABLE content_plans DROP COLUMN hook_type;
ALTER TABLE content_plans DROP COLUMN game;
