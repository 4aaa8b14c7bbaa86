"""The embedded engine: analysis, a plan with reasons, and the mix."""
