-- Conversations that are kept for clients: one row a turn.
CREATE TABLE turns (
    owner       TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    previous    TEXT,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    provider    TEXT    NOT NULL,
    deployment  TEXT    NOT NULL,
    is_there    INTEGER NOT NULL,
    -- JSON, as text in UTF-8.
    input       BLOB    NOT NULL,
    answer      BLOB    NOT NULL,
    PRIMARY KEY (owner, id)
) STRICT;

CREATE INDEX turns_by_expiry ON turns (expires_at);
