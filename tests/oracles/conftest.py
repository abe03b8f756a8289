"""Comparisons with transformers and lm-eval, in a process of their own: see `make test`.

make oracles
PYTHONPATH=.venv/oracles .venv/bin/python -m pytest tests/oracles
"""

import logging
import os

import jax
import pytest

from tests.trained_run import data_dir, exported, run, vocabulary  # noqa: F401


@pytest.fixture(scope="session", autouse=True)
def oracles():
    """Skips where they are not installed, and keeps them from looking for things on the network."""
    for variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        os.environ[variable] = "1"
    for name in ("torch", "transformers", "lm_eval"):
        pytest.importorskip(name, reason=f"{name} is not installed: make oracles")
    import torch

    jax.config.update("jax_disable_most_optimizations", True)  # most of the time was compilation
    torch.set_num_threads(1)  # more of them wait for each other longer than these models compute
    # It warns of every item that is longer than what the model sees at once.
    logging.getLogger("lm_eval").setLevel(logging.ERROR)


@pytest.fixture(scope="session")
def run_steps():
    """Until it knows its sentences by heart: greedy answers are compared."""
    return 120
