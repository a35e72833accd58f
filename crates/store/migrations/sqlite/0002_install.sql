-- Which install secret the stored keys were made with: a keyed hash, one row.
CREATE TABLE install (
    id          INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    fingerprint BLOB NOT NULL
);
