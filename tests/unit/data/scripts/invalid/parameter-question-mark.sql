-- m
--
-- Revision ID: a1
-- Revises: b1

-- migrate:up
INSERT INTO t VALUES (1, ?);
-- migrate:down
