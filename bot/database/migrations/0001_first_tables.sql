CREATE TABLE jobs (
    id          TEXT PRIMARY KEY,
    interaction TEXT NOT NULL UNIQUE,
    guild       TEXT NOT NULL,
    channel     TEXT NOT NULL,
    member      TEXT NOT NULL,
    locale      TEXT NOT NULL,
    engine      TEXT NOT NULL,
    operation   TEXT NOT NULL,
    request     TEXT NOT NULL,
    seed        INTEGER NOT NULL,
    max_bytes   INTEGER NOT NULL,
    state       TEXT NOT NULL,
    rev         INTEGER NOT NULL DEFAULT 0,
    wake_at     INTEGER NOT NULL,
    owner       TEXT,
    lease_until INTEGER,
    deadline    INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    marked_at   INTEGER,
    task        TEXT,
    error       TEXT,
    how         TEXT,
    report      TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    ended_at    INTEGER
) STRICT;
CREATE INDEX jobs_due ON jobs (wake_at) WHERE state NOT IN ('done', 'failed', 'cancelled');

CREATE TABLE sources (
    job     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    side    TEXT NOT NULL CHECK (side IN ('a', 'b')),
    url     TEXT NOT NULL,
    name    TEXT NOT NULL,
    size    INTEGER NOT NULL,
    hash    TEXT,
    seconds REAL,
    PRIMARY KEY (job, side)
) STRICT;

CREATE TABLE tracks (
    job     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    hash    TEXT NOT NULL,
    picture TEXT NOT NULL,
    title   TEXT NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (job, number)
) STRICT;

CREATE TABLE files (
    hash       TEXT PRIMARY KEY,
    size       INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE file_refs (
    hash       TEXT NOT NULL REFERENCES files (hash),
    owner      TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (hash, owner)
) STRICT;
CREATE INDEX file_refs_expiry ON file_refs (expires_at);

CREATE TABLE posts (
    id          TEXT PRIMARY KEY,
    subject     TEXT NOT NULL,
    purpose     TEXT NOT NULL,
    target      TEXT NOT NULL,
    body        TEXT NOT NULL,
    nonce       TEXT NOT NULL,
    state       TEXT NOT NULL,
    rev         INTEGER NOT NULL DEFAULT 0,
    wake_at     INTEGER NOT NULL,
    owner       TEXT,
    lease_until INTEGER,
    attempts    INTEGER NOT NULL DEFAULT 0,
    marked_at   INTEGER,
    message_id  TEXT,
    error       TEXT,
    created_at  INTEGER NOT NULL,
    UNIQUE (subject, purpose)
) STRICT;
CREATE INDEX posts_due ON posts (wake_at) WHERE state NOT IN ('sent', 'dead');

CREATE TABLE command_syncs (
    application TEXT PRIMARY KEY,
    digest      TEXT NOT NULL,
    synced_at   INTEGER NOT NULL
) STRICT;
