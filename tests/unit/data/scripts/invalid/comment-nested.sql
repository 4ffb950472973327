-- m
--
-- Revision ID: a1
-- Revises: b1

-- migrate:up
/* a /* b */ c */ SELECT 1;
-- migrate:down
