"""Rows of evaluation sets, and where they come from."""
