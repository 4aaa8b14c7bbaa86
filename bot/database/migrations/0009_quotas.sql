CREATE TABLE rules (
    guild   TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('role', 'member')),
    subject TEXT NOT NULL,
    effect  TEXT NOT NULL CHECK (effect IN ('raise', 'add', 'exempt', 'limit')),
    units   INTEGER NOT NULL CHECK (units >= 0),
    PRIMARY KEY (guild, kind, subject)
) STRICT;

CREATE TABLE grants (
    id         TEXT PRIMARY KEY,
    guild      TEXT NOT NULL,
    member     TEXT NOT NULL,
    units      INTEGER NOT NULL CHECK (units > 0),
    expires_at INTEGER,
    granted_by TEXT NOT NULL,
    reason     TEXT NOT NULL,
    granted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX grants_of_member ON grants (guild, member);

CREATE TABLE blocks (
    guild      TEXT NOT NULL,
    member     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    until      INTEGER,
    blocked_by TEXT NOT NULL,
    blocked_at INTEGER NOT NULL,
    PRIMARY KEY (guild, member)
) STRICT;

CREATE TABLE confirmations (
    id         TEXT PRIMARY KEY,
    guild      TEXT NOT NULL,
    member     TEXT NOT NULL,
    step       TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

DROP INDEX ledger_closed_once;
ALTER TABLE ledger RENAME TO ledger_before;
CREATE TABLE ledger (
    job          TEXT NOT NULL,
    account      TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('reserve', 'settle', 'release', 'reset')),
    amount       INTEGER NOT NULL CHECK (amount >= 0),
    window_start INTEGER NOT NULL,
    limit_then   INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    UNIQUE (job, account, kind)
) STRICT;
INSERT INTO ledger SELECT job, account, kind, amount, window_start, limit_then, at FROM ledger_before ORDER BY rowid;
DROP TABLE ledger_before;
CREATE UNIQUE INDEX ledger_closed_once ON ledger (job, account) WHERE kind <> 'reserve';
CREATE INDEX ledger_of_account ON ledger (account, at);

ALTER TABLE balance ADD COLUMN running INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0);
ALTER TABLE balance ADD COLUMN reserved_at INTEGER NOT NULL DEFAULT 0;
UPDATE balance SET
    reserved_at = coalesce((
        SELECT max(at) FROM ledger WHERE ledger.account = balance.account AND kind = 'reserve'
        AND ledger.window_start = balance.window_start), 0),
    running = (
        SELECT count(*) FROM ledger AS taken WHERE taken.account = balance.account AND taken.kind = 'reserve'
        AND taken.window_start = balance.window_start AND NOT EXISTS (
            SELECT 1 FROM ledger AS closed WHERE closed.job = taken.job AND closed.account = taken.account
            AND closed.kind <> 'reserve'));
