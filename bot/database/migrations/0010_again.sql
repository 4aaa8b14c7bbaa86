ALTER TABLE jobs ADD COLUMN again_of TEXT;
CREATE INDEX jobs_again ON jobs (again_of) WHERE again_of IS NOT NULL;
