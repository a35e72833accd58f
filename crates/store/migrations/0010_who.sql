-- Who asked, below the tenant and beside the key; tags as a JSON object.
ALTER TABLE requests ADD COLUMN team TEXT;
ALTER TABLE requests ADD COLUMN app TEXT;
ALTER TABLE requests ADD COLUMN user_id TEXT;
ALTER TABLE requests ADD COLUMN end_user TEXT;
ALTER TABLE requests ADD COLUMN session TEXT;
ALTER TABLE requests ADD COLUMN tags TEXT;
-- The model that was asked for, where a limit had another one asked.
ALTER TABLE requests ADD COLUMN degraded_from TEXT;
-- Whether it cost more than was reserved for it.
ALTER TABLE requests ADD COLUMN overrun BIGINT NOT NULL DEFAULT 0;

-- Since when a budget counts that somebody set without saying it.
CREATE TABLE budget_starts (
    subject TEXT PRIMARY KEY NOT NULL,
    since   BIGINT NOT NULL
);
