"""What takes away from a Linux process, for good and without root, what audio code has no need of."""
