"""A member's two decks on a guild: what they put aside for their next mashup."""
