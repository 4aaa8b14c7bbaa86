"""Cards, buttons and modals: how values look in Discord."""
