"""From documents to batches: SeqIO declares corpora, prepare writes token stores, windows are mixed."""
