-- A hold that ends by itself (held_until, while the article looks like another one), when an
-- article was released and when it was withdrawn, how far a revision is from the one before it,
-- and what sources have taken back: believed (confirmed_at) when they say so a second time, with
-- the state that the article had then (was), for a source that brings it back.

ALTER TABLE article ADD COLUMN held_until BIGINT;
ALTER TABLE article ADD COLUMN released_at BIGINT;
ALTER TABLE article ADD COLUMN retracted_at BIGINT;
CREATE INDEX article_held_until ON article (held_until) WHERE held_until IS NOT NULL;
CREATE INDEX article_retracted ON article (retracted_at) WHERE retracted_at IS NOT NULL;

ALTER TABLE article_revision ADD COLUMN class TEXT NOT NULL DEFAULT '';

CREATE TABLE withdrawal (
    article_id BIGINT NOT NULL PRIMARY KEY REFERENCES article (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    why TEXT NOT NULL,
    confirmed_at BIGINT,
    was TEXT
);
CREATE INDEX withdrawal_open ON withdrawal (source) WHERE confirmed_at IS NULL;
