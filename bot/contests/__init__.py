"""Contests: from announcement to winners, with masked entries and secret ballots."""
