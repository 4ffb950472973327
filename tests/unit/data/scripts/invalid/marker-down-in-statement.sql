-- m
--
-- Revision ID: a1
-- Revises: b1

-- migrate:up
SELECT 1
-- migrate:down
SELECT 2;
