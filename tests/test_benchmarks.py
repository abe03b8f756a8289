"""The benchmarks at their smallest: that they run, compare like with like, and add up."""

import importlib
import json
import os

import pytest

from benchmarks import measure, models
from code_ablate.errors import UserError
from code_ablate.model.flops import count_parameters
from tests.analysis.laws.conftest import make_records
from tests.tolerance import sampling_error


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs a benchmark in this process and gives back its JSON line."""
    # It would last for all tests after these.
    monkeypatch.setattr(measure, "train_on_cpu_as_the_commands_do", lambda: None)
    # The processes that benchmarks start compile the same programs again and again.
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

    def run(name, *options):
        importlib.import_module(f"benchmarks.{name}").main([str(option) for option in options])
        (line,) = capsys.readouterr().out.splitlines()
        result = json.loads(line)
        assert result["benchmark"] == name
        assert {"date", "machine", "repeats", "what"} <= result.keys()
        assert {"cpu", "cores", "device", "jax"} <= result["machine"].keys()
        return result

    return run


def assert_spread(figure):
    assert 0 < figure["min"] <= figure["median"] <= figure["max"]


SMALLEST = ("--model", "smallest", "--seq-len", 16)


def test_train_step(run):
    # 8 windows of 128 are also what the loader's benchmark trains on: compiled once for both.
    options = ("--model", "smallest", "--sides", "ours", "--steps", 2, "--repeats", 2)
    result = run("train_step", *options)
    speed, seconds = result["ours"]["tokens_per_second"], result["ours"]["seconds_per_step"]
    assert_spread(speed)
    assert speed["max"] * seconds["min"] == pytest.approx(8 * 128, rel=1e-3)
    flops = result["ours"]["flops_per_second"]["median"]
    assert flops == pytest.approx(speed["median"] * result["flops_per_token"], rel=1e-3)


def test_two_sides_that_differ_are_not_compared():
    from benchmarks.train_step import _agreement

    same = [(5.0, 1.0), (4.9, 1.0), (4.8, 1.0)]
    assert _agreement({"ours": same, "torch": same}, "float32")["loss_relative_difference"] == 0
    for other in ([*same[:2], (4.81, 1.0)], [*same[:2], (4.8, 1.01)], [(float("nan"), 1.0)] * 3):
        with pytest.raises(UserError, match="do not compute the same"):
            _agreement({"ours": same, "torch": other}, "float32")


def test_loader(run):
    pytest.importorskip("seqio")
    few = ("--tokens", 20_000, "--batch-tokens", 2048, "--batches", 2, "--repeats", 2)
    result = run("loader", "--model", "smallest", "--seq-len", 64, *few)
    windows = result["by_seq_len"]["64"]
    for name in ("loader", "feed", "seqio"):
        assert_spread(windows[f"{name}_tokens_per_second"])
    assert 0.5 < windows["seqio_filled_share"]["median"] <= 1
    assert_spread(windows["loader_over_seqio"])
    assert_spread(result["train_step"]["loader_over_consumed"])


def test_checkpoint(run, tmp_path):
    result = run("checkpoint", "--megabytes", 5, "--repeats", 2, "--folder", tmp_path)
    figures = result["by_megabytes"]["5"]
    assert figures["state_bytes"] == pytest.approx(5e6, rel=0.01)
    assert figures["stored_bytes"] > 0.5 * figures["state_bytes"]
    blocked, on_disk = figures["seconds_blocked_per_save"], figures["seconds_until_on_disk"]
    assert 0 < blocked["min"] <= on_disk["min"] and blocked["max"] <= on_disk["max"]
    assert_spread(figures["seconds_to_restore"])


def test_startup(run):
    result = run("startup", *SMALLEST, "--repeats", 1)
    for split in (result["cold_seconds"], result["warm_seconds"]):
        parts = [split[part]["median"] for part in ("interpreter", "imports", "compile", "rest")]
        assert sum(parts) == pytest.approx(split["total"]["median"], rel=1e-3)
        assert min(parts) > 0


def test_resume(run):
    result = run("resume", *SMALLEST, "--repeats", 1, "--checkpoint-every", 30)
    assert result["repeats"] == 1
    assert result["fingerprint"] == result["fingerprint_in_peace"]
    assert 0 < result["lost_steps_per_kill"]["max"] <= result["steps"]
    assert_spread(result["seconds_to_first_new_step"])


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="each of two members needs a core")
def test_fleet(run):
    bindings = [
        "Setting.tokens = 4096",
        "first/Schedule.warmup_steps = 1",
        "then/Schedule.warmup_steps = 1",
        "ModelConfig.layers = 1",
    ]
    options = [option for binding in bindings for option in ("--bind", binding)]
    result = run("fleet", "--phases", 3, "--members", 2, "--repeats", 1, *options)
    assert (result["phases"], result["members"]) == (3, 2)
    assert result["tokens"] < 30_000
    for part in ("seconds", "cpu_seconds"):
        one, fleet = (result[part][side]["median"] for side in ("one_by_one", "fleet"))
        assert result[f"{part}_ratio"]["median"] == pytest.approx(fleet / one, rel=1e-3)


@pytest.mark.parametrize(("name", "parameters"), [("toy", 1.07e6), ("470m", 467.7e6)])
def test_models_are_those_of_gin(name, parameters):
    assert count_parameters(models.find(name)).total == pytest.approx(parameters, rel=1e-2)
    with pytest.raises(UserError, match="toy"):
        models.find("tyo")


def test_spread_and_ratios():
    assert measure.spread([3.0, 1.0, 2.0]) == {"min": 1.0, "median": 2.0, "max": 3.0}
    assert measure.ratios([4.0, 9.0], [2.0, 3.0]) == {"min": 2.0, "median": 2.5, "max": 3.0}
    order = []
    sides = {name: lambda name=name: order.append(name) for name in ("a", "b")}
    seconds = measure.alternate(sides, 2)
    assert order == ["a", "b"] * 3 and [len(times) for times in seconds.values()] == [2, 2]


def test_near_duplicates(run):
    result = run("near_duplicates", "--documents", 60)
    assert result["documents"] == 60 and result["pairs_at_the_threshold"] > 0
    assert result["recall"] >= 0.9 and result["precision"] == 1


@pytest.mark.slow
def test_prepare(run):
    result = run("prepare", "--megabytes", 0.3, "--size", 400, "--repeats", 2, "--memory", 0.2)
    makes_tokens = {
        "library",
        "extract",
        "extract_with_filters",
        "extract_with_filters_and_sketches",
    }
    sides = {*makes_tokens, "operator", "source", "source_in_tensorflow"}
    assert result["megabytes_per_cpu_second"].keys() == sides
    assert result["documents_per_cpu_second"].keys() == sides
    assert result["tokens_per_cpu_second"].keys() == makes_tokens
    for figures in (*(result[f"{unit}_per_cpu_second"] for unit in ("megabytes", "tokens")),):
        for figure in figures.values():
            assert_spread(figure)
    assert result["documents"] > 5 and 300_000 <= result["bytes"] < 600_000
    (memory,) = result["peak_memory"]
    assert memory["documents"] > 30 and 0.2 <= memory["megabytes"] < 0.21
    assert memory["peak_bytes"] >= memory["bytes_before"] > 50e6


@pytest.mark.slow
def test_synthesis(run, monkeypatch):
    from benchmarks import synthesis

    files = synthesis.standard_library_files()
    monkeypatch.setattr(synthesis, "standard_library_files", lambda: files[:120])
    monkeypatch.setattr(synthesis, "installed_files", dict)
    monkeypatch.setattr(synthesis, "evaluation_ngrams", lambda: frozenset())
    monkeypatch.setattr(synthesis, "_of_set", lambda name: [file.path * 200 for file in files])
    options = ("--problems", 130, "--real", 300, "--batch", 60, "--repeats", 2)
    result = run("synthesis", *options)
    assert result["made"]["problems"] == 130 and result["made"]["different"] > 120
    assert result["made"]["mutants_noticed"] >= result["made"]["mutants_noticed_at_least"]
    for figures in result["samples"].values():
        assert_spread(figures["compression"])
        assert 0 < figures["distinct"]["median"] <= 1
    for curve in (result["novelty"]["problems"], result["novelty"]["real"]):
        assert curve["60"] == 1.0 and 0 < curve["120"] < 1


def test_laws_without_tables_measure_peeking_alone(run, tmp_path):
    result = run("laws", "peeking", "--tables", tmp_path)
    for looks, errors in result["peeking"].items():
        assert errors["any_time"] <= 0.05, looks
    assert result["peeking"]["looks_100"]["t_test"] > 0.3
    with pytest.raises(UserError, match="no tables"):
        run("laws", "regmix", "--tables", tmp_path)


def test_what_several_processes_cover_of_the_laws_adds_up(monkeypatch, tmp_path):
    from benchmarks import laws

    parts = {"train": make_records(40, noise=0.1), "test": make_records(60, seed=1)}
    monkeypatch.setattr(laws, "read_regmix", lambda folder, part, size: parts[part])
    monkeypatch.setattr(laws, "RUNS", 24)
    stretches = (range(4, 6), range(4, 5), range(5, 6))
    both, *each = (laws.coverage(tmp_path, numbers) for numbers in stretches)
    for figure in ("expected_regret", "intervals_hold_truth"):
        mean = sum(one[figure] for one in each) / 2
        assert both[figure] == pytest.approx(mean, rel=1e-3), figure


def test_coverage_prints_tables(capsys):
    from benchmarks import coverage

    studies = 8
    coverage.main(["--only", "shares", "tails", "--studies", str(studies)])
    shares, tails = capsys.readouterr().out.split("###")[1:]
    rows = [line.strip("| ").split(" | ") for line in shares.splitlines() if line.startswith("| ")]
    head, *cells = rows
    assert head[4:6] == ["level, %", "difference, %"] and len(cells) == 4 * (3 + 6 + 6)
    for column in (4, 5):  # of 95 % intervals
        held = sum(float(row[column]) for row in cells) / (100 * len(cells))
        assert held > 0.95 - sampling_error(0.95, studies * len(cells))
    assert "Howe, 1.0e-04" in tails
