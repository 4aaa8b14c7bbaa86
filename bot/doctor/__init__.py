"""Looks whether everything is set up as a bot needs it, says how to mend what is not, and changes nothing."""
