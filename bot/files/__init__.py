"""Bytes by content hash, who refers to them and until when."""
