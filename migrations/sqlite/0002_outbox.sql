-- The outbox for a million rows an issue: counts that are kept rather than counted, few indexes,
-- and what daemons share about the pace of sending.
-- The twin of this file is migrations/postgres/0002_outbox.sql.

-- What an older daemon had handed over and not settled is in doubt; the rest of what it held
-- goes back.
UPDATE delivery SET state = 'uncertain', attempts = attempts + 1, finished_at = lease_until,
    lease_owner = NULL, lease_until = NULL,
    reason = 'handed over, then the daemon stopped before the answer'
WHERE state = 'leased' AND handed_over;
UPDATE delivery SET lease_owner = NULL, lease_until = NULL,
    state = CASE WHEN attempts = 0 AND reason = '' THEN 'pending' ELSE 'deferred' END
WHERE state = 'leased';

-- SQLite cannot drop a constraint, so the table is made anew. `recipient` is empty for a reader,
-- whom subscriber_id names. The check begins with what most rows are.
CREATE TABLE outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    issue_id BIGINT NOT NULL,
    recipient TEXT NOT NULL DEFAULT '',
    subscriber_id BIGINT,
    variant BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state = 'pending' OR state = 'leased' OR state = 'sent'
        OR state IN ('deferred', 'failed', 'suppressed', 'uncertain', 'cancelled')),
    attempts BIGINT NOT NULL DEFAULT 0,
    made_at BIGINT NOT NULL,
    since BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    lease_gen BIGINT NOT NULL DEFAULT 0,
    resent BOOLEAN NOT NULL DEFAULT FALSE,
    relay TEXT,
    reason TEXT NOT NULL DEFAULT '',
    finished_at BIGINT
);
INSERT INTO outbox SELECT id, issue_id, recipient, subscriber_id, variant, state, attempts, made_at,
    since, due_at, lease_owner, lease_until, lease_gen, resent, relay, reason, finished_at
FROM delivery;
DROP TABLE delivery;
ALTER TABLE outbox RENAME TO delivery;
CREATE UNIQUE INDEX delivery_reader ON delivery (issue_id, subscriber_id)
    WHERE subscriber_id IS NOT NULL;
CREATE UNIQUE INDEX delivery_endpoint ON delivery (issue_id, recipient)
    WHERE subscriber_id IS NULL;
CREATE INDEX delivery_ready ON delivery (issue_id, due_at)
    WHERE state IN ('pending', 'deferred');
CREATE INDEX delivery_leased ON delivery (lease_owner, lease_until) WHERE state = 'leased';
CREATE INDEX delivery_uncertain ON delivery (finished_at) WHERE state = 'uncertain';
-- The states in which few rows are looked for among many, in words that are quickly
-- compared; within one they lie by id.
CREATE INDEX delivery_apart ON delivery (issue_id, state)
    WHERE state <> 'pending' AND state <> 'leased' AND state <> 'sent';

-- A freeze walks a channel's readers in the order of their rows and moves the cursor of each: an
-- index that has the cursor costs more than all the rest of it.
DROP INDEX subscription_audience;
CREATE INDEX subscription_of_channel ON subscription (channel, state, schedule);

-- The ids of an issue's deliveries lie between these; NULL when it has none, or none any more.
ALTER TABLE issue ADD COLUMN first_delivery BIGINT;
ALTER TABLE issue ADD COLUMN last_delivery BIGINT;
UPDATE issue SET first_delivery = low, last_delivery = high
FROM (SELECT issue_id AS of_issue, MIN(id) AS low, MAX(id) AS high FROM delivery GROUP BY issue_id)
    AS q
WHERE id = of_issue;
CREATE INDEX issue_cancelled ON issue (id) WHERE state = 'cancelled';

-- How many deliveries of an issue are in a state. It stays when their rows are pruned.
CREATE TABLE issue_count (
    issue_id BIGINT NOT NULL,
    state TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (issue_id, state)
) WITHOUT ROWID;
INSERT INTO issue_count (issue_id, state, n)
SELECT issue_id, state, COUNT(*) FROM delivery GROUP BY issue_id, state;

-- The next free instant of each limit, how much the last loan took and when that was, all in
-- microseconds (since 1970).
CREATE TABLE rate_slot (
    name TEXT NOT NULL PRIMARY KEY,
    next_at BIGINT NOT NULL,
    span BIGINT NOT NULL,
    lent_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE day_quota (
    name TEXT NOT NULL,
    day TEXT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (name, day)
) WITHOUT ROWID;

-- What a relay's replies asked for, until when.
CREATE TABLE relay_rule (
    relay TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    until BIGINT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (relay, kind)
) WITHOUT ROWID;
