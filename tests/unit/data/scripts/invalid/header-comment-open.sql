/* licence
-- Revision ID: a1
-- migrate:up
-- migrate:down
