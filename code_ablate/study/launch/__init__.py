"""A study as jobs of a scheduler: which jobs there are, and how each scheduler is told of them."""
