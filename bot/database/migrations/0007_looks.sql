CREATE INDEX jobs_due_by_state ON jobs (state, wake_at)
    WHERE state NOT IN ('done', 'failed', 'cancelled') AND owner IS NULL;
CREATE INDEX jobs_done ON jobs (engine, ended_at) WHERE state = 'done';
