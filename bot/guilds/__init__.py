"""What guilds and members chose, and who changed what."""
