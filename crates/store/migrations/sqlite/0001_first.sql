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
    digest      BLOB NOT NULL UNIQUE,
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
    ticket           BLOB PRIMARY KEY NOT NULL,
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
    findings         TEXT NOT NULL
);

-- Requests that are upstream, or were when their process ended.
CREATE TABLE open_requests (
    ticket BLOB PRIMARY KEY NOT NULL,
    record TEXT NOT NULL
);

CREATE INDEX requests_opened_at ON requests (opened_at);
CREATE INDEX requests_key ON requests (key_id, opened_at);

-- How far each segment of the journal is carried.
CREATE TABLE marks (
    segment TEXT PRIMARY KEY NOT NULL,
    mark    BIGINT NOT NULL
);
