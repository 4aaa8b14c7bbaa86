"""What we measure about Twodeck and how to repeat it: `python -m benchmarks [NAME...]`."""
