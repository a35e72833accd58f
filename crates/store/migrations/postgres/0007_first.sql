-- What SQLite's migrations up to 0007 come to.

-- Counts up with every change, so that other processes notice.
CREATE TABLE changes (
    what  TEXT PRIMARY KEY NOT NULL,
    count BIGINT NOT NULL
);

-- Virtual keys: never the key itself, only its keyed hash. A name belongs to
-- one valid key at a time; revoked and expired ones keep theirs.
CREATE TABLE keys (
    id          TEXT PRIMARY KEY NOT NULL,
    tenant      TEXT NOT NULL,
    name        TEXT NOT NULL,
    digest      BYTEA NOT NULL UNIQUE,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT,
    revoked_at  BIGINT,
    models      TEXT,
    requests_per_minute BIGINT,
    tokens_per_minute   BIGINT,
    parallel_requests   BIGINT
);

-- One row a request. Times in microseconds since 1970, money in nano-dollars.
CREATE TABLE requests (
    ticket           BYTEA PRIMARY KEY NOT NULL,
    opened_at        BIGINT NOT NULL,
    duration_us      BIGINT NOT NULL,
    first_content_us BIGINT,
    tenant           TEXT NOT NULL,
    key_id           TEXT NOT NULL,
    operation        TEXT NOT NULL,
    streamed         BIGINT NOT NULL,
    model            TEXT,
    provider         TEXT,
    deployment       TEXT,
    answered_model   TEXT,
    attempts         BIGINT NOT NULL,
    outcome          TEXT NOT NULL,
    status           BIGINT NOT NULL,
    error            TEXT,
    input            BIGINT NOT NULL,
    cached_input     BIGINT NOT NULL,
    cache_write      BIGINT NOT NULL,
    audio_input      BIGINT NOT NULL,
    output           BIGINT NOT NULL,
    reasoning        BIGINT NOT NULL,
    audio_output     BIGINT NOT NULL,
    usage_source     TEXT NOT NULL,
    cost             BIGINT,
    price_missing    BIGINT NOT NULL,
    cache_hit        BIGINT NOT NULL,
    saved            BIGINT,
    findings         TEXT NOT NULL,
    cache_write_1h   BIGINT NOT NULL DEFAULT 0,
    -- The bodies of requests that passed through unread, in bytes.
    bytes_in         BIGINT,
    bytes_out        BIGINT
);

-- Requests that are upstream, or were when their process ended.
CREATE TABLE open_requests (
    ticket BYTEA PRIMARY KEY NOT NULL,
    record TEXT NOT NULL
);

-- How far each segment of the journal is carried.
CREATE TABLE marks (
    segment TEXT PRIMARY KEY NOT NULL,
    mark    BIGINT NOT NULL
);

-- Which install secret the stored keys were made with: a keyed hash, one row.
CREATE TABLE install (
    id          BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    fingerprint BYTEA NOT NULL
);

-- Conversations that are kept for clients: one row a turn.
CREATE TABLE turns (
    owner       TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    previous    TEXT,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    provider    TEXT   NOT NULL,
    deployment  TEXT   NOT NULL,
    is_there    BIGINT NOT NULL,
    -- JSON, as text in UTF-8.
    input       BYTEA  NOT NULL,
    answer      BYTEA  NOT NULL,
    -- The generation of the process that works on it, its bits as a signed number.
    runs_in     BIGINT,
    -- Whether that process ended before it.
    is_lost     BIGINT NOT NULL DEFAULT 0,
    -- What has streamed of it: frames of events.
    events      BYTEA,
    PRIMARY KEY (owner, id)
);

CREATE INDEX turns_by_expiry ON turns (expires_at);
CREATE INDEX turns_that_run ON turns (runs_in) WHERE runs_in IS NOT NULL;
