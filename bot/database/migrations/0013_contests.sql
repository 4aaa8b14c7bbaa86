CREATE TABLE contests (
    id          TEXT PRIMARY KEY,
    interaction TEXT NOT NULL UNIQUE,
    guild       TEXT NOT NULL,
    channel     TEXT NOT NULL,
    gallery     TEXT NOT NULL,
    organiser   TEXT NOT NULL,
    locale      TEXT NOT NULL,
    max_bytes   INTEGER NOT NULL,
    title       TEXT NOT NULL,
    theme       TEXT NOT NULL,
    prize       TEXT NOT NULL,
    rules       TEXT NOT NULL,
    opens_at    INTEGER,
    closes_at   INTEGER NOT NULL,
    ends_at     INTEGER NOT NULL,
    phase       TEXT NOT NULL,
    paused_at   INTEGER,
    warned_at   INTEGER,
    ended_at    INTEGER,
    salt        TEXT NOT NULL,
    digest      TEXT,
    rev         INTEGER NOT NULL DEFAULT 0,
    wake_at     INTEGER NOT NULL,
    owner       TEXT,
    lease_until INTEGER,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX contests_due ON contests (wake_at) WHERE phase <> 'archived';
CREATE INDEX contests_leased ON contests (owner) WHERE owner IS NOT NULL;
CREATE INDEX contests_of_guild ON contests (guild, created_at);

CREATE TABLE contest_sources (
    contest TEXT NOT NULL REFERENCES contests (id) ON DELETE CASCADE,
    side    TEXT NOT NULL CHECK (side IN ('a', 'b')),
    name    TEXT NOT NULL,
    size    INTEGER NOT NULL,
    hash    TEXT NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (contest, side)
) STRICT;

CREATE TABLE entries (
    id         TEXT PRIMARY KEY,
    contest    TEXT NOT NULL REFERENCES contests (id) ON DELETE CASCADE,
    member     TEXT NOT NULL,
    job        TEXT NOT NULL,
    track      INTEGER NOT NULL,
    state      TEXT NOT NULL,
    number     INTEGER,
    original   TEXT,
    audio      TEXT,
    seconds    REAL NOT NULL DEFAULT 0,
    title      TEXT NOT NULL DEFAULT '',
    reason     TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (contest, number)
) STRICT;
CREATE INDEX entries_of_contest ON entries (contest, created_at);
CREATE INDEX entries_of_job ON entries (job);
CREATE INDEX entries_of_member ON entries (member);
CREATE UNIQUE INDEX entries_once ON entries (contest, job, track) WHERE state IN ('making', 'entered');

CREATE TABLE ballots (
    contest TEXT NOT NULL REFERENCES contests (id) ON DELETE CASCADE,
    member  TEXT NOT NULL,
    number  INTEGER NOT NULL,
    cast_at INTEGER NOT NULL,
    PRIMARY KEY (contest, member),
    UNIQUE (contest, number)
) STRICT;
CREATE INDEX ballots_of_member ON ballots (member);

CREATE TABLE choices (
    contest TEXT NOT NULL,
    number  INTEGER NOT NULL,
    entry   TEXT NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    chosen  INTEGER NOT NULL CHECK (chosen IN (0, 1)),
    click   INTEGER NOT NULL,
    PRIMARY KEY (contest, number, entry),
    FOREIGN KEY (contest, number) REFERENCES ballots (contest, number) ON DELETE CASCADE
) STRICT;

CREATE TABLE tie_breaks (
    contest TEXT NOT NULL REFERENCES contests (id) ON DELETE CASCADE,
    entry   TEXT NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
    place   INTEGER NOT NULL,
    PRIMARY KEY (contest, entry)
) STRICT;
