-- Why an issue stands still, for the operators' page.
-- The twin of this file is migrations/postgres/0007_pauses.sql.

-- Empty where it does not, or where an operator knows why.
ALTER TABLE issue ADD COLUMN why_paused TEXT NOT NULL DEFAULT '';
CREATE INDEX issue_resting ON issue (id) WHERE state = 'waiting' OR state = 'paused';
