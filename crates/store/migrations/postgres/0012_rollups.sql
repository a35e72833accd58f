-- Every row has a number that goes up: which rows are in the sums already is one number.
ALTER TABLE requests ADD COLUMN seq BIGINT GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX requests_by_seq ON requests (seq);
-- When its cost counts, where it came after the books of its time were closed.
ALTER TABLE requests ADD COLUMN booked_at BIGINT;

-- Who asked for what, by which and how it ended: what sums are kept apart by. A text
-- that a request does not have is empty.
CREATE TABLE rollup_groups (
    id           BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    tenant       TEXT   NOT NULL,
    team         TEXT   NOT NULL,
    app          TEXT   NOT NULL,
    user_id      TEXT   NOT NULL,
    key_id       TEXT   NOT NULL,
    model        TEXT   NOT NULL,
    provider     TEXT   NOT NULL,
    deployment   TEXT   NOT NULL,
    operation    TEXT   NOT NULL,
    outcome      TEXT   NOT NULL,
    usage_source TEXT   NOT NULL,
    -- Whether its requests stand in rollup_details too.
    is_detailed  BIGINT NOT NULL,
    UNIQUE (key_id, model, deployment, outcome, tenant, team, app, user_id, provider, operation,
            usage_source, is_detailed)
);

-- Sums of a quarter of an hour or a day of UTC, in microseconds.
CREATE TABLE rollups (
    span           BIGINT NOT NULL,
    start          BIGINT NOT NULL,
    group_id       BIGINT NOT NULL,
    requests       BIGINT NOT NULL,
    input          BIGINT NOT NULL,
    cached_input   BIGINT NOT NULL,
    cache_write    BIGINT NOT NULL,
    cache_write_1h BIGINT NOT NULL,
    audio_input    BIGINT NOT NULL,
    output         BIGINT NOT NULL,
    reasoning      BIGINT NOT NULL,
    audio_output   BIGINT NOT NULL,
    cost           BIGINT NOT NULL,
    saved          BIGINT NOT NULL,
    unpriced       BIGINT NOT NULL,
    estimated      BIGINT NOT NULL,
    overrun        BIGINT NOT NULL,
    -- Which rows of the ledger these are, and when the last of them came.
    first_seq      BIGINT NOT NULL,
    last_seq       BIGINT NOT NULL,
    last_at        BIGINT NOT NULL,
    PRIMARY KEY (span, start, group_id)
);

-- Sums of a quarter of an hour, by what may be another with every request. Tags as a
-- JSON object. There may be several of the same: texts are too long for a key.
CREATE TABLE rollup_details (
    start          BIGINT NOT NULL,
    group_id       BIGINT NOT NULL,
    end_user       TEXT   NOT NULL,
    session        TEXT   NOT NULL,
    tags           TEXT   NOT NULL,
    requests       BIGINT NOT NULL,
    input          BIGINT NOT NULL,
    cached_input   BIGINT NOT NULL,
    cache_write    BIGINT NOT NULL,
    cache_write_1h BIGINT NOT NULL,
    audio_input    BIGINT NOT NULL,
    output         BIGINT NOT NULL,
    reasoning      BIGINT NOT NULL,
    audio_output   BIGINT NOT NULL,
    cost           BIGINT NOT NULL,
    saved          BIGINT NOT NULL,
    unpriced       BIGINT NOT NULL,
    estimated      BIGINT NOT NULL,
    overrun        BIGINT NOT NULL
);

CREATE INDEX rollup_details_by_start ON rollup_details (start);

-- How far the ledger is rolled up, up to when its rows may have been deleted, and
-- up to when its books are closed. One row.
CREATE TABLE books (
    id           BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    rolled_up    BIGINT NOT NULL,
    pruned_until BIGINT NOT NULL,
    locked_until BIGINT NOT NULL
);
INSERT INTO books (id, rolled_up, pruned_until, locked_until) VALUES (1, 0, 0, 0);
