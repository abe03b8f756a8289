"""From documents to batches: SeqIO declares, prepare writes token stores, windows are mixed."""
