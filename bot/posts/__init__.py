"""Messages that must appear exactly once."""
