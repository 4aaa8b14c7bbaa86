"""What the bytes of an audio file say without decoding it; nothing here needs more than the standard library."""
