"""The whole way, through the command line, on documents made here."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from code_ablate import own_file
from code_ablate.analysis.results.arm import KEYS
from code_ablate.cli import main

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
NOUNS = ["the river", "a mountain", "our harbour", "the old mill", "this valley", "an island"]
VERBS = ["remembers", "crosses", "follows", "leaves", "shelters", "answers"]


def write_documents(folder: Path) -> None:
    rng = random.Random(0)
    prose = [
        ". ".join(f"{rng.choice(NOUNS)} {rng.choice(VERBS)} {rng.choice(NOUNS)}" for _ in range(12))
        for _ in range(220)
    ]
    program = [
        "\n".join(
            f"def f{rng.randrange(50)}(x, y):\n    return x {rng.choice('+-*/')} y"
            for _ in range(9)
        )
        for _ in range(220)
    ]
    for name, documents in (("prose", prose), ("program", program)):
        lines = [json.dumps({"text": text}) for text in documents]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    rows = [
        {
            "id": str(i),
            "question": f"{rng.choice(NOUNS)} {rng.choice(VERBS)}",
            "choices": [rng.choice(NOUNS), "def f(x, y):"],
            "gold": 0,
        }
        for i in range(30)
    ]
    recall = [
        {"id": f"{i}{j}", "question": f"{NOUNS[i]} {VERBS[j]}", "answers": NOUNS}
        for i in range(4)
        for j in range(3)
    ]
    programs = [
        {
            "id": str(i),
            "prompt": f"def f{i}(x, y):\n    return x",
            "tests": f"assert f{i}(6, 3) in (9, 3, 18, 2.0)",
        }
        for i in range(4)
    ]
    for name, lines in (("quiz", rows), ("recall", recall), ("programs", programs)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    shutil.copy(HERE / "example_data.py", folder)
    shutil.copy(HERE / "example.gin", folder)


def code_ablate(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}
    return subprocess.run(
        [sys.executable, "-m", "code_ablate.cli", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    write_documents(folder)
    done = code_ablate(folder, "study", "example.gin")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture
def command(folder, monkeypatch):
    """Runs a command there, in this process: a new one would import TensorFlow for seconds."""
    monkeypatch.chdir(folder)
    return lambda *arguments: main(arguments)


def results_of(folder: Path) -> tuple[dict, pd.DataFrame]:
    directory = folder / "runs" / "study-example"
    return json.loads((directory / "study.json").read_text()), pd.read_parquet(
        directory / "results.parquet"
    )


def bits_per_byte(table: pd.DataFrame, recipe: str, task: str) -> float:
    rows = table[(table.recipe == recipe) & (table.task == task) & (table.stage == "pretraining")]
    return rows.bits.sum() / rows.bytes.sum()


def test_the_study_finds_what_is_there_to_find(folder):
    _, table = results_of(folder)
    prose, program = "bits_per_byte/example.prose", "bits_per_byte/example.program"
    # A model that never saw a program is worse at programs, and the other way round.
    assert bits_per_byte(table, "text_only", prose) < bits_per_byte(table, "code_100", prose) - 0.3
    assert (
        bits_per_byte(table, "code_100", program) < bits_per_byte(table, "text_only", program) - 0.3
    )
    assert score(table, "text_only", "example.quiz") > 0.8
    assert score(table, "code_100", "example.quiz") < 0.5


def score(table: pd.DataFrame, recipe: str, task: str) -> float:
    rows = table[(table.recipe == recipe) & (table.task == task) & (table.stage == "pretraining")]
    return rows.correct.mean()


def test_the_baseline_has_a_curve_of_its_earlier_checkpoints(folder):
    """They are scored on the same items, by both seeds, and go on to the end that all arms have."""
    study, table = results_of(folder)
    directory = folder / "runs" / "study-example"
    earlier = pd.read_parquet(directory / "checkpoints.parquet")
    assert (
        own_file.sha256((directory / "checkpoints.parquet").read_bytes())
        == (study["checkpoints_digest"])
    )
    assert set(earlier.recipe) == {"text_only"} and set(earlier.stage) == {"pretraining"}
    ends = [arm["tokens"] for arm in study["arms"] if arm["arm"]["stage"] == "pretraining"]
    assert sorted(set(earlier.tokens)) == [80 * 128, 120 * 128] and min(ends) == 125 * 128
    one = earlier[(earlier.seed == 0) & (earlier.tokens == 80 * 128)]
    last = table[(table.recipe == "text_only") & (table.seed == 0) & (table.stage == "pretraining")]
    asked = [sorted(rows[["task", "item"]].values.tolist()) for rows in (one, last)]
    assert asked[0] == asked[1]
    prose = "bits_per_byte/example.prose"
    assert bits_per_byte(earlier, "text_only", prose) > bits_per_byte(table, "text_only", prose)


def test_generated_answers_are_compared_and_generated_programs_run(folder):
    study, table = results_of(folder)
    assert score(table, "text_only", "example.recall") > score(table, "code_100", "example.recall")
    if "example.programs" not in study["tasks"]:
        pytest.skip(str(study["missing"]))
    assert score(table, "code_100", "example.programs") > 0
    assert score(table, "text_only", "example.programs") == 0
    rows = table[table.task == "example.programs"]
    assert (rows.samples == 1).all() and (rows.passed == rows.correct).all()


def test_a_task_without_its_data_is_missing_and_says_why(folder):
    study, table = results_of(folder)
    assert "example.elsewhere" not in set(table.task)
    [missing] = [entry for entry in study["missing"] if entry["task"] == "example.elsewhere"]
    assert "not on this machine" in missing["reason"] and missing["category"] == "reasoning"
    page = (folder / "runs" / "study-example" / "report.html").read_text()
    assert "example.elsewhere" in page and "not on this machine" in page


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="each of two members needs a core")
def test_phases_side_by_side_give_the_same_scores(folder, command, capsys):
    runs = folder / "side_by_side"
    options = ("--gin.FleetConfig.members=2", "--gin.Study.seeds=(0,)")
    where = f"--gin.Paths.runs='{runs.name}'"
    assert command("study", "example.gin", "--no-report", *options, where) == 0
    assert "2 phases at a time" in capsys.readouterr().out
    table = pd.read_parquet(runs / "study-example" / "results.parquet")
    record = json.loads((runs / "study-example" / "study.json").read_text())
    assert "--gin.FleetConfig.members=2" in record["arguments"]
    _, alone = results_of(folder)
    expected = alone[alone.seed == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(table, expected, check_exact=True)


def test_every_arm_has_every_item_once(folder):
    study, table = results_of(folder)
    assert len(study["arms"]) == 2 * (3 * 2 + 1)
    counts = table.groupby([*KEYS, "task"]).item.agg(["count", "nunique"])
    assert (counts["count"] == counts["nunique"]).all()
    for task, info in study["tasks"].items():
        assert (counts.xs(task, level="task")["count"] == info["items"]).all()


def test_realised_tokens_are_what_was_asked_for(folder):
    study, _ = results_of(folder)
    for arm in study["arms"]:
        total = sum(corpus["tokens"] for corpus in arm["corpora"].values())
        assert total == arm["tokens"]
        for corpus in arm["corpora"].values():
            # Two windows for each phase of the chain.
            assert abs(corpus["tokens"] - corpus["requested_share"] * total) <= 2 * 32 * len(
                arm["phases"]
            )


def test_stores_account_for_every_document(folder):
    study, _ = results_of(folder)
    for store in study["stores"].values():
        first, last = store["funnel"][0], store["funnel"][-1]
        assert (first["name"], first["documents"]) == ("read", 220)
        assert last["documents"] == store["documents"] + store["validation_documents"]


def test_a_second_run_does_nothing_again_and_gives_the_same(folder, command):
    def times():
        kept = ("runs/*/metrics.jsonl", "runs/*/eval/*/*.parquet", "data/**/manifest.json")
        files = [path for pattern in kept for path in folder.glob(pattern)]
        assert len(files) > 20
        return {path: path.stat().st_mtime_ns for path in files}

    before = times()
    _, table = results_of(folder)
    assert command("study", "example.gin") == 0
    assert before == times()
    pd.testing.assert_frame_equal(table, results_of(folder)[1])


def test_results_so_far_are_those_of_the_arms_that_are_done(folder):
    """A third seed that nobody has trained is missing, and nothing is trained for it."""
    more = ("--gin.Study.name='so_far'", "--gin.Study.seeds=(0, 1, 2)", "--so-far")
    done = code_ablate(folder, "study", "example.gin", *more, "--no-report")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "arms still to be trained and evaluated: 7\n" in done.stdout
    assert "[1/" not in done.stdout
    directory = folder / "runs" / "study-so_far"
    table = pd.read_parquet(directory / "results.parquet")
    record = json.loads((directory / "study.json").read_text())
    assert record["seeds"] == [0, 1, 2] and {arm["arm"]["seed"] for arm in record["arms"]} == {0, 1}
    by = [*KEYS, "task", "item"]
    _, whole = results_of(folder)
    pd.testing.assert_frame_equal(
        table.sort_values(by).reset_index(drop=True), whole.sort_values(by).reset_index(drop=True)
    )
    none = code_ablate(folder, "study", "example.gin", "--so-far", "--gin.Study.seeds=(7,)")
    assert none.returncode == 2 and "no arm of example is trained" in none.stderr


def test_the_report_is_one_file_that_needs_nothing(folder):
    page = (folder / "runs" / "study-example" / "report.html").read_text()
    assert "cannot be concluded" in page
    assert "<script" not in page and "<link" not in page
    assert "code-ablate study example.gin\n" in page  # how to make it again
    curves = page[page.index('<section id="curves">') : page.index('<section id="cost">')]
    assert "example.prose" in curves and "example.program" in curves
    assert "do not lie beside" not in curves


def test_plan_and_explanation_know_what_is_done(command, capsys):
    assert command("plan", "example.gin") == 0
    plan = capsys.readouterr().out
    assert "to do" not in plan and "complete" in plan
    assert command("why-not-cached", "example.gin", "--gin.Optimizer.b2=0.9") == 0
    changed = capsys.readouterr().out
    assert "optimizer.b2: 0.95 -> 0.9" in changed
    assert "all token stores are prepared" in changed


def test_one_phase_is_trained_and_evaluated_by_the_thin_entry_points(folder):
    project = HERE.parent.parent
    gin = [
        "--gin_file=example.gin",
        "--gin.Phase.mixture={'example.prose': 0.75, 'example.program': 0.25}",
        "--gin.Phase.tokens=2000",
        "--gin.Phase.batch_windows=4",
        "--gin.Phase.seq_len=32",
        "--gin.Phase.seed=3",
        "--gin.Phase.model=@ModelConfig()",
        "--gin.Phase.optimizer=@Optimizer()",
        "--gin.Phase.schedule=@first/Schedule()",
    ]

    def entry_point(script, *arguments):
        return subprocess.run(
            [sys.executable, str(project / script), *arguments, *gin],
            cwd=folder,
            capture_output=True,
            text=True,
        )

    trained = entry_point("train.py")
    assert trained.returncode == 0, trained.stderr[-2000:]
    run = trained.stdout.split("complete: ")[1].strip()
    evaluated = entry_point("eval.py", run)
    assert evaluated.returncode == 0, evaluated.stderr[-2000:]
    assert "example.quiz" in evaluated.stdout and "bits_per_byte/example.prose" in evaluated.stdout
    [file] = (folder / run).glob("eval/*/summary.json")
    summary = json.loads(file.read_text())
    assert summary["tasks"]["example.quiz"]["interval"] == "exact"
    assert list(summary["missing"]) == ["example.elsewhere"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study", "exmaple.gin"], "no gin file"),
        (["plan", "demoo"], "did you mean 'demo'"),
        (["plan", "example.gin", "--gin.Setting.token=5"], "did you mean tokens"),
        (["plan", "example.gin", "--gin.Settings.tokens=5"], "did you mean 'Setting'"),
        (
            ["plan", "example.gin", "--gin.Setting.base='example.pros'"],
            "did you mean 'example.prose'",
        ),
        (
            ["plan", "example.gin", "--gin.SuiteConfig.tasks=('example.quizz',)"],
            "did you mean 'example.quiz'",
        ),
        (
            ["plan", "example.gin", "--gin.SuiteConfig.domains=('example.pose',)"],
            "did you mean 'example.prose'",
        ),
        (
            ["plan", "example.gin", "--gin.Setting.source={'example.program': -1}"],
            "must be 0 or more",
        ),
        (["plan", "example.gin", "--gin.Setting.source={'example.program': 0}"], "all rates are 0"),
        (["study", "example.gin", "--gin.Setting.max_epochs=0.1"], "max_epochs"),
        (["study", "example.gin", "--gin.VocabularyConfig.name='missing.model'"], "missing.model"),
        (
            [
                "study",
                "example.gin",
                "--gin.Setting.seq_len=200000",
                "--gin.Setting.tokens=4000000",
                "--gin.Setting.cooldown_tokens=0",
            ],
            "lower seq_len",
        ),
        (["plan", "example.gin", "--import", "my_dta"], "no module named 'my_dta'"),
        (["eval", "runs/nothing"], "not a run directory"),
        (["plan", "example.gin", "--gin.Study.seeds"], "has no value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_gives_one_message_and_exit_code_2(folder, arguments, message, command, capsys):
    before = sorted(folder.glob("runs/*"))
    try:
        code = command(*arguments)
    except SystemExit as stopped:
        code = stopped.code
    said = capsys.readouterr()
    assert code == 2, said.out + said.err
    errors = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and message in errors[0]
    assert sorted(folder.glob("runs/*")) == before


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--phase=0123456789abcdef", "the study has no phase 0123456789abcdef"),
        ("--gin.FleetConfig.members=999", "of which each member needs its own"),
        ("--gin.MeshConfig.data=999", "does not fit"),
    ],
)
def test_nothing_is_prepared_for_what_cannot_be_trained(option, message, folder, command, capsys):
    """Preparation may take hours."""
    assert command("study", "example.gin", option, "--gin.Paths.data='nowhere'") == 2
    assert message in capsys.readouterr().err
    assert not list((folder / "nowhere").glob("**/*"))
