PRAGMA foreign_keys=OFF;
-- Revision ID: a1
-- migrate:up
-- migrate:down
