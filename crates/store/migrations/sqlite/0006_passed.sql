-- The bodies of requests that passed through unread, in bytes; others have none
-- that are counted.
ALTER TABLE requests ADD COLUMN bytes_in BIGINT;
ALTER TABLE requests ADD COLUMN bytes_out BIGINT;
