"""The report of a study: one HTML file, figures, and a table for the terminal."""
