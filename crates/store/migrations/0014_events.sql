-- What somebody is told: that a budget is half spent, that something cost more
-- than was reserved. Each is there once, and is sent until it is taken or given
-- up; `body` is JSON.
CREATE TABLE events (
    id    TEXT PRIMARY KEY NOT NULL,
    at    BIGINT NOT NULL,
    kind  TEXT NOT NULL,
    body  TEXT NOT NULL,
    tries BIGINT NOT NULL DEFAULT 0,
    -- When it is to be sent; nothing once it is not any more.
    due   BIGINT
);
CREATE INDEX events_due ON events (due) WHERE due IS NOT NULL;
CREATE INDEX events_at ON events (at);
