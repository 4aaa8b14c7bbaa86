"""What a Discord user types and sees: one file per command group, deferring every decision to `bot`."""
