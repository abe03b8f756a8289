"""The process that runs code of others; see __main__."""
