ALTER TABLE jobs ADD COLUMN callback_secret TEXT;
ALTER TABLE jobs ADD COLUMN uploads TEXT;
CREATE TABLE inbox (
    job   TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    stage TEXT NOT NULL,
    task  TEXT NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (job, stage)
) STRICT;
