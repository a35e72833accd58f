-- Tenants, teams, apps and users. What holds for each is JSON (domain::terms).
CREATE TABLE parties (
    id         TEXT PRIMARY KEY NOT NULL,
    level      TEXT NOT NULL,
    name       TEXT NOT NULL,
    parent     TEXT,
    terms      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE INDEX parties_by_parent ON parties (parent);

-- The tenant of everything as long as nobody makes others.
INSERT INTO parties (id, level, name, parent, terms, created_at, revoked_at)
VALUES ('default', 'tenant', 'default', NULL, '{}', 0, NULL);

-- The keyed hashes that a key is looked up by: two while it is rotated.
CREATE TABLE key_secrets (
    digest     BYTEA PRIMARY KEY NOT NULL,
    key_id     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);

CREATE INDEX key_secrets_by_key ON key_secrets (key_id);

INSERT INTO key_secrets (digest, key_id, created_at, expires_at)
SELECT digest, id, created_at, NULL FROM keys;

-- Keys belong to anybody, and have terms as everybody has.
CREATE TABLE keys_of_parties (
    id         TEXT PRIMARY KEY NOT NULL,
    owner      TEXT NOT NULL,
    name       TEXT NOT NULL,
    terms      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

INSERT INTO keys_of_parties (id, owner, name, terms, created_at, expires_at, revoked_at)
SELECT
    id,
    tenant,
    name,
    (
        CASE WHEN models IS NULL THEN '{}'::jsonb
             ELSE jsonb_build_object('models', models::jsonb) END
        || jsonb_build_object('limits', COALESCE((
            SELECT jsonb_agg(one) FROM (
                SELECT jsonb_build_object('requests', requests_per_minute, 'per', 'minute') AS one
                WHERE requests_per_minute IS NOT NULL
                UNION ALL
                SELECT jsonb_build_object('tokens', tokens_per_minute, 'per', 'minute')
                WHERE tokens_per_minute IS NOT NULL
                UNION ALL
                SELECT jsonb_build_object('parallel', parallel_requests)
                WHERE parallel_requests IS NOT NULL
            ) AS limits
        ), '[]'::jsonb))
    )::text,
    created_at,
    expires_at,
    revoked_at
FROM keys;

DROP TABLE keys;

ALTER TABLE keys_of_parties RENAME TO keys;

CREATE INDEX keys_by_owner ON keys (owner);

-- What people changed: written with the change itself, in its transaction.
CREATE TABLE admin_changes (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     BIGINT NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    tenant TEXT NOT NULL,
    -- JSON; nothing before what was made.
    before TEXT,
    after  TEXT
);
