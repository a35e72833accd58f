-- Answers that are worked on in the background.

-- The generation of the process that works on it, its bits as a signed number.
ALTER TABLE turns ADD COLUMN runs_in INTEGER;
-- Whether that process ended before it.
ALTER TABLE turns ADD COLUMN is_lost INTEGER NOT NULL DEFAULT 0;
-- What has streamed of it: frames of events.
ALTER TABLE turns ADD COLUMN events BLOB;

CREATE INDEX turns_that_run ON turns (runs_in) WHERE runs_in IS NOT NULL;
