-- m
--
-- Revision ID: a1
-- Revises: b1

-- migrate:up
SELECT 1;
  EXPLAIN DROP TABLE a;
-- migrate:down
