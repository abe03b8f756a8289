import json

import pytest

from benchmarks import evaluation, measure


def test_the_benchmark_compares_and_adds_up(monkeypatch, capsys):
    # It would last for all tests after this one.
    monkeypatch.setattr(measure, "train_on_cpu_as_the_commands_do", lambda: None)
    options = ["--model", "toy", "--tasks", "arc_easy/rc_0shot", "--items", "8"]
    evaluation.main([*options, "--seq-len", "256", "--new-tokens", "4", "--repeats", "1"])
    (line,) = capsys.readouterr().out.splitlines()
    result = json.loads(line)
    scoring = result["scoring"]["arc_easy/rc_0shot"]
    ours, theirs = (scoring[side] for side in ("ours", "transformers"))
    assert scoring["largest_difference"] < 1e-5
    ratio = ours["items_per_second"]["median"] / theirs["items_per_second"]["median"]
    assert scoring["ours_over_transformers"]["median"] == pytest.approx(ratio, rel=1e-3)
    per_item = ours["tokens_per_second"]["median"] / ours["items_per_second"]["median"]
    assert per_item == pytest.approx(scoring["tokens"] / 8, rel=1e-3)
    assert result["generation"]["equal_answers_share"] == 1
