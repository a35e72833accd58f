-- The audit logs that have records of what stands here, and how many of each do.
CREATE TABLE audit_logs (
    id     BIGINT PRIMARY KEY NOT NULL,
    origin TEXT NOT NULL UNIQUE,
    size   BIGINT NOT NULL
);

-- Where a request came from, and which record of which log it is; nothing of a time
-- without one.
ALTER TABLE requests ADD COLUMN from_address TEXT;
ALTER TABLE requests ADD COLUMN audit_log BIGINT;
ALTER TABLE requests ADD COLUMN audit_record BIGINT;

-- A change belongs to the log that takes it first, and then has its record there.
ALTER TABLE admin_changes ADD COLUMN audit_log BIGINT;
ALTER TABLE admin_changes ADD COLUMN audit_record BIGINT;
CREATE INDEX admin_changes_unlogged ON admin_changes (id) WHERE audit_record IS NULL;

-- Refusals before identity, by source, reason and minute.
CREATE TABLE audit_strangers (
    audit_log    BIGINT NOT NULL,
    audit_record BIGINT NOT NULL,
    minute       BIGINT NOT NULL,
    source       TEXT,
    reason       TEXT NOT NULL,
    count        BIGINT NOT NULL,
    PRIMARY KEY (audit_log, audit_record)
);
