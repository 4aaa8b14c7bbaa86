ALTER TABLE jobs ADD COLUMN cancelled_by TEXT;
CREATE INDEX jobs_of_member ON jobs (guild, member, created_at);
