-- What polling thousands of sources politely needs to know of each: the host it is asked at, so
-- that one host's sources wait for each other and not for the rest; until when it or its host asked
-- to be left alone; its habit (the median gap between its articles, and the newest of them); its
-- last HTTP status; and of how many of its recent answers it said that nothing had changed.

ALTER TABLE source ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE source ADD COLUMN rest_until BIGINT;
ALTER TABLE source ADD COLUMN gap_ms BIGINT;
ALTER TABLE source ADD COLUMN newest_at BIGINT;
ALTER TABLE source ADD COLUMN answers BIGINT NOT NULL DEFAULT 0;
ALTER TABLE source ADD COLUMN unmodified BIGINT NOT NULL DEFAULT 0;
ALTER TABLE source ADD COLUMN status BIGINT;

CREATE INDEX source_due ON source (next_fetch_at, name);
CREATE INDEX source_leased ON source (host) WHERE lease_owner IS NOT NULL;
CREATE INDEX poll_idle ON poll (at) WHERE outcome = 'unchanged';
