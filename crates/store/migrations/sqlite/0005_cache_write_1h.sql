-- Prompt tokens that the provider keeps in its cache for an hour, which costs
-- more than its usual time. Rows of before have none that are known.
ALTER TABLE requests ADD COLUMN cache_write_1h BIGINT NOT NULL DEFAULT 0;
