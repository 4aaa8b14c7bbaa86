"""What the internet may say to us: callbacks of providers, their asking for sources, whether we are well."""
