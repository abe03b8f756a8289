"""A run, and its export, for the tests of what leaves the project and comes back."""

import pytest

from tests.trained_run import data_dir, exported, run, vocabulary  # noqa: F401


@pytest.fixture(scope="session")
def run_steps():
    """Few: no answer of the model is looked at."""
    return 12
