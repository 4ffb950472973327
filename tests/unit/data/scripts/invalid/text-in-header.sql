-- Revision ID: a1
   SELECT 1;
-- migrate:up
-- migrate:down
