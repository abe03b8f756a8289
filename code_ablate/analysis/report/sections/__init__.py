"""The sections of a report: each function makes one, from the results, with a template."""
