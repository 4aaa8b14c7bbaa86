CREATE TABLE balance (
    account      TEXT NOT NULL,
    window_start INTEGER NOT NULL,
    held         INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
    used         INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
    PRIMARY KEY (account, window_start)
) STRICT;

CREATE TABLE ledger (
    job          TEXT NOT NULL,
    account      TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('reserve', 'settle', 'release')),
    amount       INTEGER NOT NULL CHECK (amount >= 0),
    window_start INTEGER NOT NULL,
    limit_then   INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    UNIQUE (job, account, kind)
) STRICT;
CREATE UNIQUE INDEX ledger_closed_once ON ledger (job, account) WHERE kind <> 'reserve';
