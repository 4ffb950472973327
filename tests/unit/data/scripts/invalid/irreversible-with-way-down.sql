-- Revision ID: a1
-- Irreversible: gone
-- migrate:up
DROP TABLE a;
-- migrate:down

  SELECT 1;
