"""Samples: probe, decode, analysis, loudness, encoding, tags, picture. Loaded in child processes only."""
