"""One mashup from the command to the delivered result."""
