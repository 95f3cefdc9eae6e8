-- Wishes for a poll are looked for with every claim; without this all sources are read for that.
CREATE INDEX source_wished ON source (wished_at) WHERE wished_at IS NOT NULL;
