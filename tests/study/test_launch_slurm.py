"""A study of four tiny phases on a real SLURM of one node, with jobs that are killed."""

import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from code_ablate.cli import main
from tests import slurm_node
from tests.study.test_end_to_end import write_documents

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(bool(slurm_node.why_not()), reason=slurm_node.why_not()),
]

FAULTS = '''
"""What may happen to a job of SLURM, once to each: registers nothing."""

import os
import signal
from pathlib import Path

from code_ablate.errors import Failed
from code_ablate.training.checkpoint import Checkpoints

save = Checkpoints.save


def first_time(name):
    try:
        Path(name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def save_and_suffer(checkpoints, step, state, progress):
    save(checkpoints, step, state, progress)
    run = checkpoints._directory.parent
    if run.parent.name != "runs" or step not in (40, 80):
        return
    checkpoints.wait()
    recipe = run.name.partition("-")[0]
    if (recipe, step) == ("text_only", 40) and first_time("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    if (recipe, step) == ("balanced_only", 40) and first_time("failed"):
        raise Failed("the disk is full")
    if (recipe, step) == ("balanced_only", 80) and first_time("stopped"):
        os.kill(os.getpid(), signal.SIGTERM)


if "SLURM_JOB_ID" in os.environ:
    Checkpoints.save = save_and_suffer
'''

STUDY = (
    "example.gin",
    "--import=faults",
    "--gin.Study.seeds=(0,)",
    "--gin.Study.recipes=(@text_only, @balanced_only)",
    "--gin.SuiteConfig.tasks=('example.quiz',)",
    "--gin.LoopConfig.checkpoint_every=20",
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The environment of a running SLURM."""
    with slurm_node.running(tmp_path_factory.mktemp("slurm") / "node") as environment:
        yield environment


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    write_documents(folder)
    (folder / "faults.py").write_text(FAULTS)
    return folder


@pytest.fixture(autouse=True)
def work_there(folder, cluster, monkeypatch):
    """All commands find that SLURM, and its jobs this clone."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SLURM_CONF", cluster["SLURM_CONF"])
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def launch(*options: str) -> int:
    """The exit code of the command, which runs in this process: that starts sooner."""
    return main(["launch", *STUDY, "--on=slurm", *options])


def wait_for_the_queue(node: Path) -> None:
    def empty() -> bool:
        asked = ["squeue", "--noheader"]
        return not subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    slurm_node.wait_until(empty, node, seconds=1800)


def written_in(launch: Path) -> str:
    """What the jobs of a launch printed."""
    return "\n".join(file.read_text() for file in sorted((launch / "logs").iterdir()))


def states(runs: Path) -> dict[str, str]:
    """State of each run by recipe and name of its phase; 'new' for one that never began."""
    found = {}
    for run in runs.glob("*-seed0-*"):
        file = run / "status.json"
        label = run.name.partition("-seed0")[0]
        found[label] = json.loads(file.read_text())["state"] if file.exists() else "new"
    return found


def fingerprints(runs: Path) -> dict[str, str]:
    files = sorted(runs.glob("*-seed0-*/status.json"))
    return {file.parent.name: json.loads(file.read_text())["fingerprint"] for file in files}


def test_jobs_that_are_killed_stopped_and_failed_end_with_the_local_result(folder, cluster, capsys):
    node = Path(cluster["SLURM_CONF"]).parent
    assert launch() == 0
    assert "4 phases in 2 job arrays" in capsys.readouterr().out
    assert launch() == 2
    assert "are not done yet" in capsys.readouterr().err
    wait_for_the_queue(node)
    written = written_in(folder / "launch" / "example")
    assert "ended with 137: back into the queue" in written, written
    assert "going on at step 40" in written, written
    # The phase that failed stops what starts from it, and nothing else.
    assert states(folder / "runs") == {
        "text_only-pretraining": "complete",
        "text_only-cooldown": "complete",
        "balanced_only-pretraining": "failed",
        "balanced_only-cooldown": "new",
    }
    assert not (folder / "runs" / "study-example" / "study.json").exists()

    assert launch() == 0
    wait_for_the_queue(node)
    written = written_in(folder / "launch" / "example")
    assert "ended with 130: back into the queue" in written, written
    assert (folder / "runs" / "study-example" / "report.html").exists(), written

    assert main(["study", *STUDY, "--no-report", "--gin.Paths.runs='alone'"]) == 0
    assert fingerprints(folder / "runs") == fingerprints(folder / "alone")
    assert len(fingerprints(folder / "runs")) == 4
    tables = [
        pd.read_parquet(folder / runs / "study-example" / "results.parquet")
        for runs in ("runs", "alone")
    ]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_a_job_that_is_cancelled_stays_so(folder, cluster):
    node = Path(cluster["SLURM_CONF"]).parent
    longer = ("--gin.Setting.tokens=3_000_000", "--gin.Setting.max_epochs=1000")
    elsewhere = ("--gin.Paths.runs='cancelled'", "--out=cancelled_launch")
    assert launch(*longer, *elsewhere) == 0
    runs = folder / "cancelled"
    slurm_node.wait_until(lambda: "running" in states(runs).values(), node)
    subprocess.run(["scancel", "--user=root"], check=True)
    wait_for_the_queue(node)
    assert "back into the queue" not in written_in(folder / "cancelled_launch")
    assert "complete" not in states(runs).values()


def test_what_slurm_refuses_is_said_and_nothing_stays_in_the_queue(capsys):
    assert launch("--gin.Slurm.other_options=('--partition=elsewhere',)") == 3
    assert "partition" in capsys.readouterr().err
    # The first is accepted, the second not.
    assert launch("--gin.Slurm.options=('--partition=elsewhere',)") == 3
    assert "partition" in capsys.readouterr().err
    asked = ["squeue", "--noheader", "--states=PENDING,RUNNING"]
    assert subprocess.run(asked, capture_output=True, text=True).stdout.strip() == ""
