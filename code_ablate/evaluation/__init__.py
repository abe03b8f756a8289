"""Scores of a model on downstream tasks and domains, kept per item."""
