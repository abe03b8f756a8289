"""Controlled data ablations for language-model pre-training.

Importing the package is cheap: it loads neither JAX nor TensorFlow. Start at `code_ablate.cli` (the
commands), `code_ablate.training.loop` (one phase), or `code_ablate.study.recipes` (what is
compared).
"""

import os

# gs:// goes through gcsfs in every process, also where TensorFlow is installed: one way, tested.
# epath reads this at its first use and never again, so it has to be said before that.
os.environ.setdefault("EPATH_USE_TF", "false")

__version__ = "0.1.0"
