CREATE TABLE guilds (
    guild      TEXT PRIMARY KEY,
    settings   TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;
