"""What the internet may say to us: callbacks of music providers, and whether we are well."""
