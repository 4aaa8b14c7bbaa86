"""The one way to run audio code: a capped child process whose target is named by a string."""
