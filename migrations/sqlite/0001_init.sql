-- Courant's tables. Instants are UTC milliseconds since 1970 in BIGINT, lists and documents are
-- JSON in TEXT that only the program reads, configured things are named by their configuration
-- name. AUTOINCREMENT so that the id of an erased reader never names another person (links in
-- old mails carry it). The twin of this file is migrations/postgres/0001_init.sql.

CREATE TABLE setting (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- next_fetch_at is NULL while the source is not in the configuration.
CREATE TABLE source (
    name TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL DEFAULT '',
    etag TEXT,
    last_modified TEXT,
    moved_to TEXT,
    baselined BOOLEAN NOT NULL DEFAULT FALSE,
    last_fetch_at BIGINT,
    last_ok_at BIGINT,
    next_fetch_at BIGINT,
    fails BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    gone BOOLEAN NOT NULL DEFAULT FALSE,
    lease_owner TEXT,
    lease_until BIGINT
);

CREATE TABLE poll (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    at BIGINT NOT NULL,
    status BIGINT,
    outcome TEXT NOT NULL CHECK (outcome IN ('new', 'unchanged', 'not_modified', 'error')),
    bytes BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    new_articles BIGINT NOT NULL,
    changed_articles BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX poll_by_source ON poll (source, id);
CREATE INDEX poll_by_time ON poll (at);

CREATE TABLE article (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('baseline', 'waiting', 'held', 'released', 'ignored', 'retracted')),
    first_seen_at BIGINT NOT NULL,
    eligible_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
);
CREATE INDEX article_due ON article (eligible_at, id) WHERE state = 'waiting';
CREATE INDEX article_by_source ON article (source, id);

CREATE TABLE article_key (
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    article_id BIGINT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
    PRIMARY KEY (source, kind, value)
);
CREATE INDEX article_key_by_article ON article_key (article_id);

CREATE TABLE article_revision (
    article_id BIGINT NOT NULL REFERENCES article (id) ON DELETE CASCADE,
    revision BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    hash TEXT NOT NULL,
    url TEXT NOT NULL,
    title TEXT NOT NULL,
    summary TEXT NOT NULL,
    content_html TEXT NOT NULL,
    authors TEXT NOT NULL,
    topics TEXT NOT NULL,
    image_url TEXT,
    image_alt TEXT,
    language TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    words BIGINT NOT NULL,
    PRIMARY KEY (article_id, revision)
);

-- The row is locked by whatever numbers something in the channel, so that numbers are dense and
-- become visible in their order.
CREATE TABLE channel (
    name TEXT NOT NULL PRIMARY KEY,
    ledger_newest BIGINT NOT NULL DEFAULT 0,
    issue_newest BIGINT NOT NULL DEFAULT 0,
    cursor BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE ledger (
    channel TEXT NOT NULL REFERENCES channel (name),
    number BIGINT NOT NULL,
    article_id BIGINT NOT NULL REFERENCES article (id),
    entered_at BIGINT NOT NULL,
    PRIMARY KEY (channel, number),
    UNIQUE (channel, article_id)
);
CREATE INDEX ledger_by_article ON ledger (article_id);

CREATE TABLE schedule_run (
    channel TEXT NOT NULL,
    schedule TEXT NOT NULL,
    slot TEXT NOT NULL,
    zone TEXT NOT NULL,
    scheduled_at BIGINT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('issued', 'skipped', 'missed')),
    why TEXT NOT NULL,
    issue_id BIGINT,
    ran_at BIGINT NOT NULL,
    PRIMARY KEY (channel, schedule, slot)
);
CREATE INDEX schedule_run_newest ON schedule_run (channel, schedule, zone, scheduled_at);

CREATE TABLE issue (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL REFERENCES channel (name),
    number BIGINT NOT NULL,
    schedule TEXT NOT NULL,
    slot TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'paused', 'done', 'cancelled')),
    title TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    ledger_upto BIGINT NOT NULL,
    content_key TEXT NOT NULL,
    priority BIGINT NOT NULL,
    UNIQUE (channel, number),
    UNIQUE (channel, schedule, slot)
);
CREATE INDEX issue_sending ON issue (priority, id) WHERE state = 'sending';
CREATE INDEX issue_by_content ON issue (channel, content_key, id);

CREATE TABLE issue_article (
    issue_id BIGINT NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    article_id BIGINT NOT NULL REFERENCES article (id),
    revision BIGINT NOT NULL,
    ledger_number BIGINT NOT NULL,
    PRIMARY KEY (issue_id, position)
);
CREATE INDEX issue_article_by_article ON issue_article (article_id);

CREATE TABLE variant (
    issue_id BIGINT NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
    variant BIGINT NOT NULL,
    positions TEXT NOT NULL,
    PRIMARY KEY (issue_id, variant)
);

CREATE TABLE subscriber (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    language TEXT,
    timezone TEXT,
    created_at BIGINT NOT NULL
);

CREATE TABLE subscription (
    subscriber_id BIGINT NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
    channel TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'unsubscribed')),
    schedule TEXT,
    topics TEXT NOT NULL DEFAULT '[]',
    cursor BIGINT NOT NULL,
    requested_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    ended_at BIGINT,
    PRIMARY KEY (subscriber_id, channel)
);
-- With the topics, so that a thousand groups of one cursor are a thousand short looks.
CREATE INDEX subscription_audience ON subscription (channel, state, cursor, topics);

CREATE TABLE consent_event (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    address_key TEXT NOT NULL,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    at BIGINT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX consent_event_by_address ON consent_event (address_key, id);

CREATE TABLE suppression (
    address_key TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL CHECK (reason IN ('bounce', 'complaint', 'request', 'operator')),
    at BIGINT NOT NULL,
    detail TEXT NOT NULL
);

-- No foreign keys here: a million rows are written in one statement, and a row outlives the
-- erased reader it was for. `since` is where the patience of the retries starts.
CREATE TABLE delivery (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    issue_id BIGINT NOT NULL,
    recipient TEXT NOT NULL,
    subscriber_id BIGINT,
    variant BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('pending', 'leased', 'sent', 'deferred', 'failed', 'suppressed', 'uncertain', 'cancelled')),
    attempts BIGINT NOT NULL DEFAULT 0,
    made_at BIGINT NOT NULL,
    since BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    lease_gen BIGINT NOT NULL DEFAULT 0,
    handed_over BOOLEAN NOT NULL DEFAULT FALSE,
    resent BOOLEAN NOT NULL DEFAULT FALSE,
    relay TEXT,
    reason TEXT NOT NULL DEFAULT '',
    finished_at BIGINT,
    UNIQUE (issue_id, recipient)
);
CREATE INDEX delivery_ready ON delivery (issue_id, due_at, id)
    WHERE state IN ('pending', 'deferred');
CREATE INDEX delivery_leased ON delivery (issue_id, lease_until) WHERE state = 'leased';
CREATE INDEX delivery_uncertain ON delivery (finished_at) WHERE state = 'uncertain';
CREATE INDEX delivery_by_state ON delivery (issue_id, state);

CREATE TABLE payload (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    issue_id BIGINT NOT NULL,
    article_id BIGINT,
    delivery_id BIGINT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX payload_by_channel ON payload (channel, id);

CREATE TABLE lease (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    lease_until BIGINT NOT NULL
);
