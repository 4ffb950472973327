-- m
--
-- Revision ID: a1
-- Revises: b1

-- migrate:up
SELECT $a;
-- migrate:down
