"""Controlled data ablations for language-model pre-training.

Importing the package is cheap: it loads neither JAX nor TensorFlow. Start at `code_ablate.cli` (the
commands), `code_ablate.training.loop` (one phase), or `code_ablate.study.recipes` (what is
compared).
"""

__version__ = "0.1.0"
