-- What no audit log has is counted at every start.
CREATE INDEX requests_unlogged ON requests (seq) WHERE audit_log IS NULL;
