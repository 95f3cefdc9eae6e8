-- WebSub: the hubs that a source names with what they call it, and our subscriptions with hubs, of
-- which a source has one (beside those that are being ended). And polls that somebody asked for:
-- wished_at is the time from which the source is due whatever was planned, hastened_at when such a
-- wish was last granted.

ALTER TABLE source ADD COLUMN hubs TEXT NOT NULL DEFAULT '[]';
ALTER TABLE source ADD COLUMN hub_topic TEXT;
ALTER TABLE source ADD COLUMN wished_at BIGINT;
ALTER TABLE source ADD COLUMN hastened_at BIGINT;

CREATE TABLE websub (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    topic TEXT NOT NULL,
    hub TEXT NOT NULL,
    callback TEXT NOT NULL UNIQUE,
    secret TEXT,
    state TEXT NOT NULL CHECK (state IN ('pending', 'verified', 'denied', 'dead', 'leaving')),
    asked TEXT NOT NULL DEFAULT '' CHECK (asked IN ('', 'subscribe', 'unsubscribe')),
    asked_at BIGINT,
    verified_at BIGINT,
    lease_until BIGINT,
    next_try_at BIGINT NOT NULL,
    fails BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    pushes BIGINT NOT NULL DEFAULT 0,
    refused BIGINT NOT NULL DEFAULT 0,
    missed BIGINT NOT NULL DEFAULT 0,
    last_push_at BIGINT
);
CREATE UNIQUE INDEX websub_source ON websub (source) WHERE state <> 'leaving';
CREATE INDEX websub_due ON websub (next_try_at);
