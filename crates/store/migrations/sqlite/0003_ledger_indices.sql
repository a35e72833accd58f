-- Nothing asks the ledger by time or by key yet, and keeping the order costs
-- as much as keeping the row.
DROP INDEX requests_opened_at;
DROP INDEX requests_key;
