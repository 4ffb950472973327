-- Revision ID: a1
-- Transaction: none
-- migrate:up
VACUUM;
ANALYZE;
-- migrate:down
