CREATE TABLE decks (
    guild      TEXT NOT NULL,
    member     TEXT NOT NULL,
    side       TEXT NOT NULL,
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL,
    size       INTEGER NOT NULL,
    seconds    REAL NOT NULL,
    channel    TEXT NOT NULL,
    message    TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (guild, member, side)
) STRICT;
CREATE INDEX decks_of_person ON decks (member);
CREATE INDEX decks_expiring ON decks (expires_at);
CREATE INDEX posts_of_message ON posts (message_id) WHERE message_id IS NOT NULL;
