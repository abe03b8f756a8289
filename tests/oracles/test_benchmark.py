"""The benchmarks that compare with other libraries: both sides compute the same."""

import json

import pytest

from benchmarks import evaluation, measure, train_step


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a benchmark in this process and gives back its JSON line."""
    # It would last for all tests after this one.
    monkeypatch.setattr(measure, "train_on_cpu_as_the_commands_do", lambda: None)

    def run(benchmark, *options):
        benchmark.main([*options, "--repeats", "1"])
        (line,) = capsys.readouterr().out.splitlines()
        return json.loads(line)

    return run


def test_transformers_scores_and_writes_the_same(run):
    options = ("--model", "toy", "--tasks", "arc_easy/rc_0shot", "--items", "8")
    result = run(evaluation, *options, "--seq-len", "256", "--new-tokens", "4")
    scoring = result["scoring"]["arc_easy/rc_0shot"]
    ours, theirs = (scoring[side] for side in ("ours", "transformers"))
    assert scoring["largest_difference"] < 1e-5
    ratio = ours["items_per_second"]["median"] / theirs["items_per_second"]["median"]
    assert scoring["ours_over_transformers"]["median"] == pytest.approx(ratio, rel=1e-3)
    per_item = ours["tokens_per_second"]["median"] / ours["items_per_second"]["median"]
    assert per_item == pytest.approx(scoring["tokens"] / 8, rel=1e-3)
    assert result["generation"]["equal_answers_share"] == 1


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_torch_trains_the_same(run, dtype):
    options = ("--model", "smallest", "--seq-len", "16", "--eager", "--microbatches", "2")
    result = run(train_step, *options, "--dtype", dtype, "--steps", "1")
    assert result["agreement"]["loss_relative_difference"] < 1e-3
    ours, torch = (result[side]["tokens_per_second"]["median"] for side in ("ours", "torch"))
    assert result["ours_over_torch"]["median"] == pytest.approx(ours / torch, rel=1e-3)
