"""One small laboratory for all tests of the interface; who changes something copies it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import small_laboratory
from tests.analysis.conftest import write_study


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory) -> small_laboratory.Laboratory:
    return small_laboratory.make(tmp_path_factory.mktemp("laboratory"))


@pytest.fixture(scope="session")
def make_study() -> Callable[..., Path]:
    """Writes a study of known effects."""
    return write_study
