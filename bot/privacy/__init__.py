"""What is forgotten on purpose: a member who asks for it, a guild that the bot left."""
