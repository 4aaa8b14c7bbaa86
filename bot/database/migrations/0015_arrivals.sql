CREATE TABLE arrivals (
    guild      TEXT PRIMARY KEY,
    locale     TEXT NOT NULL,
    welcome    TEXT NOT NULL CHECK (welcome IN ('kept', 'told')),
    arrived_at INTEGER NOT NULL
) STRICT;
