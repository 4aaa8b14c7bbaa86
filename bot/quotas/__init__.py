"""What members and guilds may use, and who used it."""
