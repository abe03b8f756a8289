"""A study's jobs one after another on this machine."""

import pytest

from code_ablate.errors import Failed, Interrupted
from code_ablate.study.launch import here
from code_ablate.study.launch.job_graph import JobGraph


@pytest.fixture
def jobs(study):
    return JobGraph.of(study, ("small.gin",))


@pytest.fixture
def commands(monkeypatch):
    """What is run, instead of running it; `fails` names phases that end with 3."""
    given: dict = {"run": [], "fails": ()}

    def run(arguments) -> int:
        given["run"].append(tuple(arguments))
        return 3 if any(f"--phase={key}" in arguments for key in given["fails"]) else 0

    monkeypatch.setattr(here, "_run", run)
    return given


def test_every_job_is_run_once_after_what_it_needs(jobs, commands):
    here.run_here(jobs)
    trained = [jobs.train([phase]) for phase in jobs.phases]
    assert commands["run"] == [jobs.prepare, *trained, jobs.report]


def test_a_phase_that_fails_stops_what_starts_from_it_and_the_report(jobs, commands):
    parent = next(phase.key for phase in jobs.phases if jobs.children.get(phase.key))
    (tree,) = (tree for tree in jobs.trees if parent in [phase.key for phase in tree])
    later = tree[[phase.key for phase in tree].index(parent) + 1 :]
    commands["fails"] = (parent,)
    with pytest.raises(Failed, match=rf"ended with 3.*start from there: {len(later)} phases"):
        here.run_here(jobs)
    trained = [jobs.train([phase]) for phase in jobs.phases if phase not in later]
    assert commands["run"] == [jobs.prepare, *trained]


def test_without_corpora_nothing_is_trained(jobs, monkeypatch):
    monkeypatch.setattr(here, "_run", lambda arguments: 2)
    with pytest.raises(Failed, match="corpora could not be prepared"):
        here.run_here(jobs)


def test_asked_to_stop_it_has_the_job_save_first(tmp_path, monkeypatch):
    """The job asks its parent to stop, is told to, and needs a while for saving."""
    job = tmp_path / "python"
    job.write_text(
        "#!/bin/bash\ntrap 'sleep 0.3; touch saved; exit 130' TERM\nkill -TERM $PPID\n"
        "while :; do sleep 0.1; done\n"
    )
    job.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(here.sys, "executable", str(job))
    with pytest.raises(Interrupted, match="goes on from what is finished"):
        here._run(["study", "small.gin"])
    assert (tmp_path / "saved").exists()
