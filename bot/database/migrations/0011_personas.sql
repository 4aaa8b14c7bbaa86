ALTER TABLE tracks ADD COLUMN audio TEXT;
CREATE TABLE personas (
    job         TEXT NOT NULL,
    number      INTEGER NOT NULL,
    member      TEXT NOT NULL,
    engine      TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    persona     TEXT,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (job, number)
) STRICT;
CREATE INDEX personas_of_member ON personas (member, created_at);
