-- Leases are looked for among the open rows only, which the indexes of due rows have.
DROP INDEX jobs_leased;
DROP INDEX posts_leased;
