-- Signing up. What somebody asked for waits in signup until it is admitted: then there is a
-- subscription that waits for its reader's word, and a confirmation mail in the outbox.
-- The twin of this file is migrations/postgres/0009_signup.sql.

-- One row for an address, whatever is asked for it meanwhile by the form, and one for what an
-- operator entered. `via` is form or operator.
CREATE TABLE signup (
    address_key TEXT NOT NULL,
    via TEXT NOT NULL,
    address TEXT NOT NULL,
    channels TEXT NOT NULL,
    evidence TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (address_key, via)
);
CREATE INDEX signup_by_time ON signup (via, at);

-- Who signed up lately, so that no network does it without end. `network` is not to be reckoned
-- back, as is the address in confirmation.
CREATE TABLE signup_network (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    network TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX signup_network_newest ON signup_network (network, at);
CREATE INDEX signup_network_by_time ON signup_network (at);

-- How often an address was asked to confirm and did not.
CREATE TABLE confirmation (
    address_mark TEXT NOT NULL PRIMARY KEY,
    mails BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    via TEXT NOT NULL
);
CREATE INDEX confirmation_by_time ON confirmation (last_at);

-- Whether the reader asked by the form. What they do not confirm is forgotten.
ALTER TABLE subscription ADD COLUMN by_form BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX subscription_unconfirmed ON subscription (requested_at)
    WHERE state = 'pending' AND by_form;
