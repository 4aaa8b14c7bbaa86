"""A bot under load and faults for hours, to see whether anything grows that should not."""
