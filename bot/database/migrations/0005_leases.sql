CREATE INDEX jobs_leased ON jobs (owner) WHERE owner IS NOT NULL;
CREATE INDEX posts_leased ON posts (owner) WHERE owner IS NOT NULL;
