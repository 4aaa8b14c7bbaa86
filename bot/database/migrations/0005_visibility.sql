CREATE INDEX jobs_leased ON jobs (owner) WHERE owner IS NOT NULL;
CREATE INDEX posts_leased ON posts (owner) WHERE owner IS NOT NULL;

ALTER TABLE jobs ADD COLUMN private INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN token TEXT;
ALTER TABLE jobs ADD COLUMN removed TEXT;

DROP INDEX posts_due;
CREATE INDEX posts_due ON posts (wake_at) WHERE state NOT IN ('sent', 'dead', 'removed');

CREATE TABLE members (
    member     TEXT PRIMARY KEY,
    direct     INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    at      INTEGER NOT NULL,
    guild   TEXT NOT NULL,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason  TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_guild ON audit (guild, at);
