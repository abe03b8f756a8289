"""From documents to token stores: run the Tasks, judge, assemble, account."""
