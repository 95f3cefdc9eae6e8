-- What is remembered of a source beside its validators: what its adapter wants to know next time
-- (state), when it wants to be asked (hints, JSON), a permanent redirect that one answer named and
-- the next has to confirm (move_heard), when everything was last looked at without validators
-- (full_at), and whether its guids changed for articles that did not (by_links).

ALTER TABLE source ADD COLUMN state TEXT;
ALTER TABLE source ADD COLUMN hints TEXT NOT NULL DEFAULT '{}';
ALTER TABLE source ADD COLUMN move_heard TEXT;
ALTER TABLE source ADD COLUMN move_heard_at BIGINT;
ALTER TABLE source ADD COLUMN full_at BIGINT;
ALTER TABLE source ADD COLUMN by_links BOOLEAN NOT NULL DEFAULT FALSE;
