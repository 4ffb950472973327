-- m
--
-- Revision ID: a1
-- Revises: b1

-- migrate:up
UPDATE t
  SET a = :name;
-- migrate:down
