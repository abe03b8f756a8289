"""Comparisons with transformers and lm-eval, in a process of their own: see `make test`.

make oracles
PYTHONPATH=.venv/oracles .venv/bin/python -m pytest tests/oracles
"""

import logging
import os

import jax
import pytest

from code_ablate.cli import main
from tests import trained_run


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
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def vocabulary(data_dir):
    return trained_run.make_vocabulary(data_dir)


@pytest.fixture(scope="session")
def run(vocabulary, tmp_path_factory):
    """A complete run with grouped-query attention."""
    return trained_run.make_run(tmp_path_factory.mktemp("runs"), vocabulary, steps=120)


@pytest.fixture(scope="session")
def exported(run, data_dir, tmp_path_factory):
    """The run as `code-ablate export` writes it."""
    out = tmp_path_factory.mktemp("exported") / "model"
    options = ["--format", "huggingface", "--out", str(out), "--data", str(data_dir)]
    assert main(["export", str(run.path), *options]) == 0
    return out
