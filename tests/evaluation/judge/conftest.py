"""The key of the judge of these tests."""

import pytest

from tests.evaluation.judge.cases import KEY


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("JUDGE_TEST_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
