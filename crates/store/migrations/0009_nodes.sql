-- Several gateways may share a server: what is one's own says whose it is.
-- Nothing, where the database lies in the gateway's own folder.
ALTER TABLE marks ADD COLUMN node TEXT NOT NULL DEFAULT '';
ALTER TABLE open_requests ADD COLUMN node TEXT NOT NULL DEFAULT '';
-- Who works on it, as long as somebody does.
ALTER TABLE turns ADD COLUMN node TEXT NOT NULL DEFAULT '';
