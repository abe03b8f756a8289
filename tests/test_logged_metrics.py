"""metrics.jsonl is read alike by reports, notebooks and a run that goes on."""

import itertools
import json

import pytest
from etils import epath

from code_ablate.logged_metrics import FILE, parsed, read_metrics


@pytest.fixture
def path(tmp_path) -> epath.Path:
    lines = [json.dumps({"step": step, "loss": 1 / step}) for step in range(1, 1001)]
    (tmp_path / FILE).write_text("\n".join(lines) + '\n{"step": 1001, "lo')
    return epath.Path(tmp_path / FILE)


def test_every_whole_line_is_read(path):
    assert [line["step"] for line in read_metrics(path)] == [*range(1, 1001)]
    assert read_metrics(path.parent / "none.jsonl") == []


@pytest.mark.parametrize("most", [1, 7, 200, 999, 1000, 5000])
def test_of_many_lines_some_are_read_that_are_spread_evenly_to_the_last_whole_one(path, most):
    steps = [line["step"] for line in read_metrics(path, most)]
    assert (steps[-1] == 1000 and most / 2 < len(steps) <= most) or len(steps) == 1000
    assert len({b - a for a, b in itertools.pairwise(steps)}) <= 1


@pytest.mark.parametrize(
    "line", ["[]", "3", "null", "{}", '{"step": "4"}', '{"st', "\ufffd", "[" * 9999]
)
def test_what_is_no_line_of_metrics_says_nothing(line):
    assert parsed(line) is None
