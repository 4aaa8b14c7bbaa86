"""The image and how it is run: rules for its two files, and its steps without a container engine."""
