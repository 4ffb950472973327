-- m
--
-- Revision ID: a1
-- Revises: b1

-- migrate:up
CREATE TRIGGER t AFTER INSERT ON a BEGIN
  SELECT 1;
SELECT CASE 1 WHEN 1 THEN 2 END;

-- migrate:down
