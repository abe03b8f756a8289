"""Results as they are stored: study.json and the tables of scores, read and checked."""
