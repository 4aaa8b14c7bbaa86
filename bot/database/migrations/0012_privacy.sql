CREATE TABLE departures (
    guild   TEXT PRIMARY KEY,
    left_at INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_of_person ON jobs (member);
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE forgotten (
    member   TEXT PRIMARY KEY,
    asked_at INTEGER NOT NULL
) STRICT;
