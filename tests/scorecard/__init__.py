"""What the bot promises, a module for each row: how it is measured, and the broken part that it finds out."""
