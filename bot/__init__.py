"""Twodeck: knows what a mashup is; everything except what a Discord user types and sees."""
