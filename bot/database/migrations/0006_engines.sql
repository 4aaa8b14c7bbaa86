CREATE TABLE engines (
    engine       TEXT PRIMARY KEY,
    off          TEXT,
    paused_until INTEGER NOT NULL DEFAULT 0,
    changed_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_submitted ON jobs (engine) WHERE state = 'submitted';
