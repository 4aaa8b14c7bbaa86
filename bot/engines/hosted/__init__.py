"""Engines that run at a music provider: a profile says what it takes, one client speaks its dialect."""
