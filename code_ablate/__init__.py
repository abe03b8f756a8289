"""Controlled data ablations for language-model pre-training.

    study = code_ablate.open_study("runs/study-demo")     # data frames and plots: docs/api.md
    study.comparisons

Importing the package is cheap: it loads neither JAX nor TensorFlow, and pandas with the first thing
that is opened. Start at `code_ablate.cli` (the commands), `code_ablate.training.loop` (one phase),
or `code_ablate.study.recipes` (what is compared).
"""

import importlib
import os
from typing import Any

# gs:// goes through gcsfs in every process, also where TensorFlow is installed: one way, tested.
# epath reads this at its first use and never again, so it has to be said before that.
os.environ.setdefault("EPATH_USE_TF", "false")

__version__ = "0.1.0"

_HOMES = {
    "fit_law": "mixture_laws",
    "open_corpus": "corpora",
    "open_mixture": "mixtures",
    "open_run": "runs",
    "open_study": "studies",
}
"""What notebooks call, and the module of `code_ablate.api` that it lies in."""

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 (names from a table)


def __getattr__(name: str) -> Any:
    # Loaded when it is asked for, so that the command line starts at once.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.api.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
