-- m
--
-- Revision ID: a1
-- Revises: b1

-- migrate:up
-- migrate:down
-- migrate:sideways
