-- m
-- Revision ID: a1
CREATE TABLE a (b);
-- migrate:down
