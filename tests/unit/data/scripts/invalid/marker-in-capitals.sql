-- m
--
-- Revision ID: a1
-- Revises: b1

-- migrate:up
SELECT 1;
-- Migrate:Down
