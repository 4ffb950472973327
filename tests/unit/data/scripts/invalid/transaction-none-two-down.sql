-- Revision ID: a1
-- Transaction: none
-- migrate:up
VACUUM;
-- migrate:down
VACUUM; VACUUM