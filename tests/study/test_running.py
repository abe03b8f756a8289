"""Studies that share a folder of runs, through the command line: what is trained once stays so."""

import json
from pathlib import Path

import pandas as pd
import pytest

from code_ablate.cli import main
from tests.study.test_end_to_end import write_documents

pytestmark = pytest.mark.slow

STUDY = (
    "example.gin",
    "--gin.Study.seeds=(0,)",
    "--gin.Study.recipes=(@text_only,)",
    "--gin.Setting.tokens=3200",
    "--gin.SuiteConfig.tasks=()",
    "--gin.SuiteConfig.domains=('example.prose',)",
)
OTHER = (
    *STUDY,
    "--gin.Study.name='other'",
    "--gin.Study.recipes=(@balanced_only, @text_only)",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which a study was launched as jobs on this machine."""
    folder = tmp_path_factory.mktemp("study")
    write_documents(folder)
    with pytest.MonkeyPatch.context() as there:
        there.chdir(folder)
        there.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # of the jobs
        assert main(["launch", *STUDY, "--on=local"]) == 0
    assert (folder / "runs" / "study-example" / "report.html").exists()
    return folder


@pytest.fixture(autouse=True)
def work_there(folder, monkeypatch):
    monkeypatch.chdir(folder)


def trained() -> dict[Path, int]:
    """When each run was last trained."""
    return {file: file.stat().st_mtime_ns for file in Path("runs").glob("*/metrics.jsonl")}


def results(study: str, runs: str = "runs") -> pd.DataFrame:
    return pd.read_parquet(f"{runs}/study-{study}/results.parquet")


def test_jobs_and_one_process_give_the_same(folder):
    assert main(["study", *STUDY, "--no-report", "--gin.Paths.runs='alone'"]) == 0
    pd.testing.assert_frame_equal(results("example"), results("example", "alone"))
    both = [
        [json.loads(file.read_text())["fingerprint"] for file in sorted(Path(runs).glob(STATUS))]
        for runs in ("runs", "alone")
    ]
    assert both[0] == both[1] and len(both[0]) == 2


STATUS = "text_only-*/status.json"


def test_a_study_finds_what_another_has_trained(folder):
    before = trained()
    assert main(["study", *OTHER, "--no-report"]) == 0
    after = trained()
    assert {file: after[file] for file in before} == before
    assert {file.parent.name.partition("-")[0] for file in set(after) - set(before)} == {
        "balanced_only"
    }
    table = results("other")
    same = table[table.recipe == "text_only"].reset_index(drop=True)
    pd.testing.assert_frame_equal(same, results("example"))


def test_another_evaluation_trains_nothing(folder):
    before = trained()
    more = "--gin.SuiteConfig.domains=('example.prose', 'example.program')"
    assert main(["study", *STUDY, more, "--no-report"]) == 0
    assert trained() == before
    assert set(results("example").task) == {
        "bits_per_byte/example.prose",
        "bits_per_byte/example.program",
    }


def test_another_figure_neither_trains_nor_evaluates(folder):
    kept = [*Path("runs").glob("*/metrics.jsonl"), *Path("runs").glob("*/eval/*/*")]
    before = {file: file.stat().st_mtime_ns for file in kept}
    assert main(["report", "runs/study-example"]) == 0
    assert main(["study", *STUDY, "--gin.Study.margin=0.01"]) == 0
    assert {file: file.stat().st_mtime_ns for file in kept} == before


def test_what_clean_leaves_is_enough_for_everything_but_new_evaluations(folder, capsys):
    assert main(["study", *STUDY]) == 0
    before = trained()
    assert main(["clean", "runs/study-example"]) == 0
    assert trained() == before
    assert main(["clean", "runs/study-example", "--arms", "--yes"]) == 0
    assert "they are deleted" in capsys.readouterr().out
    assert not list(Path("runs").glob("text_only-*/checkpoints/*"))
    assert main(["study", *STUDY]) == 0
    assert trained() == before
    capsys.readouterr()
    more = "--gin.SuiteConfig.domains=('example.program', 'example.prose')"
    tasks = "--gin.SuiteConfig.tasks=('example.quiz',)"
    assert main(["study", *STUDY, more, tasks]) == 2
    assert "have lost their checkpoints" in capsys.readouterr().err


def test_the_status_is_that_of_a_finished_study(folder, capsys):
    assert main(["study", *STUDY]) == 0
    capsys.readouterr()
    assert main(["status", *STUDY, "--follow"]) == 0
    assert "2 of 2 phases trained, 2 of 2 evaluated, results are written" in capsys.readouterr().out


def test_a_part_that_is_not_of_the_study_is_refused(folder, capsys):
    before = trained()
    assert main(["study", *STUDY, "--phase=0123456789abcdef"]) == 2
    assert "no phase 0123456789abcdef" in capsys.readouterr().err
    assert trained() == before
