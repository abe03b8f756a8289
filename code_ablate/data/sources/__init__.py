"""Where documents come from: SeqIO sources that know their digest."""
