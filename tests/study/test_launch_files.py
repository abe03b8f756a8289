"""What a launch writes: scripts of SLURM and a manifest of Kubernetes."""

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from code_ablate.errors import Failed, UserError
from code_ablate.jobs.launch_study import Launch, launch_study
from code_ablate.study.launch import slurm
from code_ablate.study.launch.job_graph import JobGraph
from code_ablate.study.launch.kubernetes import Kubernetes, job_set
from code_ablate.study.launch.slurm import Slurm, slurm_files

ARGUMENTS = ("my study.gin", "--gin.Study.seeds=(0, 1)", "--gin.Paths.runs='/disk/$USER'")


@pytest.fixture
def jobs(study):
    return JobGraph.of(study, ARGUMENTS)


def arguments_of(script: str, index: int = 0) -> list[str]:
    """What a script runs, by running it with a `srun` that says what it is given."""
    said = subprocess.run(
        ["bash", "-c", f"srun() {{ printf '%s\\0' \"$@\"; exit; }}\n{script}"],
        env={**os.environ, "SLURM_ARRAY_TASK_ID": str(index)},
        capture_output=True,
        text=True,
    )
    return said.stdout.split("\0")[:-1]


def test_a_script_gives_the_study_as_it_was_given(jobs, tmp_path):
    files = slurm_files(jobs, Slurm(), tmp_path)
    prepare = arguments_of(files["prepare.sh"])
    assert prepare[1:3] == ["-m", "code_ablate.cli"]
    assert prepare[3:] == ["prepare", *ARGUMENTS]
    assert arguments_of(files["report.sh"])[3:] == ["study", *ARGUMENTS]
    for array in jobs.arrays(1000):
        for index, phase in array.phases.items():
            given = arguments_of(files[f"phases_{array.number}.sh"], index)
            assert given[3:] == ["study", *ARGUMENTS, f"--phase={phase.key}"]


@pytest.mark.parametrize("code", [0, 2, 3, 1, 130, 137, 143])
@pytest.mark.parametrize("state", ["RUNNING", "CANCELLED"])
@pytest.mark.parametrize("restarts", [0, 3])
def test_what_may_end_otherwise_the_next_time_goes_back_into_the_queue(
    jobs, tmp_path, code, state, restarts
):
    script = slurm_files(jobs, Slurm(retries=3), tmp_path)["phases_1.sh"]
    fakes = (
        f"srun() {{ return {code}; }}; squeue() {{ echo {state}; }}; scontrol() {{ echo +$*; }}\n"
    )
    done = subprocess.run(
        ["bash", "-c", fakes + script],
        env={
            **os.environ,
            "SLURM_ARRAY_TASK_ID": "1",
            "SLURM_ARRAY_JOB_ID": "7",
            "SLURM_JOB_ID": "7",
            "SLURM_RESTART_COUNT": str(restarts),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    back = state == "RUNNING" and (code in (130, 143) or (code in (1, 137) and restarts < 3))
    assert ("+requeue 7_1" in done.stdout) == back


def test_options_are_for_what_trains_and_by_size(jobs, tmp_path):
    (size,) = {phase.size for phase in jobs.phases}
    config = Slurm(
        options=("--gres=gpu:1",),
        by_size={size: ("--time=01:00:00",)},
        other_options=("--partition=cpu",),
        setup=("module load cuda",),
    )
    files = slurm_files(jobs, config, tmp_path)
    for name, text in files.items():
        if name == slurm.SUBMIT:
            continue
        trains = name.startswith("phases")
        assert ("#SBATCH --gres=gpu:1\n" in text) == trains
        assert ("#SBATCH --time=01:00:00\n" in text) == trains
        assert ("#SBATCH --partition=cpu\n" in text) != trains
        assert "\nmodule load cuda\n" in text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"options": ("gpu",)}, "give options of sbatch"),
        ({"options": ("--gres=gpu:1\nrm -r data",)}, "give options of sbatch"),
        ({"other_options": ("--array=1-3",)}, "a launch gives itself"),
        ({"by_size": {"1B": ("--requeue",)}}, "a launch gives itself"),
        ({"options": ("-o log",)}, "a launch gives itself"),
        ({"setup": ("one\ntwo",)}, "each line by itself"),
        ({"grace_seconds": 1}, "grace_seconds"),
    ],
)
def test_bad_options_are_refused(fields, message):
    with pytest.raises(UserError, match=message):
        Slurm(**fields)


def test_a_size_that_the_study_does_not_have_is_refused(jobs, tmp_path):
    with pytest.raises(UserError, match=r"names 7B.*has models of the sizes"):
        slurm_files(jobs, Slurm(by_size={"7B": ("--gres=gpu:8",)}), tmp_path)


def test_a_dry_run_writes_and_submits_nothing(study, tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    launch = Launch("slurm", folder=str(tmp_path / "out"), dry_run=True)
    assert "nothing is submitted" in list(launch_study(study, ARGUMENTS, launch))[-1]
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"prepare.sh", "report.sh", "submit.sh", "phases_1.sh"} <= written
    config = Kubernetes(image="lab:1")
    launch = Launch("kubernetes", kubernetes=config, folder=str(tmp_path / "pods"), dry_run=True)
    assert "nothing is submitted" in list(launch_study(study, ARGUMENTS, launch))[-1]
    assert (tmp_path / "pods" / "jobset.json").exists()


def test_without_the_scheduler_the_message_says_where_to_launch(study, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    for scheduler, program in (("slurm", "sbatch"), ("kubernetes", "kubectl")):
        fake = tmp_path / program
        fake.write_text("#!/bin/sh\necho no such account >&2\nexit 1\n")
        fake.chmod(0o755)
        launch = Launch(scheduler, kubernetes=Kubernetes(image="lab:1"), folder=str(tmp_path / "o"))
        with pytest.raises(Failed, match=r"refused.*no such account"):
            list(launch_study(study, ARGUMENTS, launch))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bash").symlink_to(shutil.which("bash"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for scheduler, program in (("slurm", "sbatch"), ("kubernetes", "kubectl")):
        folder = tmp_path / f"new {scheduler}"
        launch = Launch(scheduler, kubernetes=Kubernetes(image="lab:1"), folder=str(folder))
        with pytest.raises(UserError, match=f"{program} is not on this machine"):
            list(launch_study(study, ARGUMENTS, launch))
    assert not (tmp_path / "new slurm").exists()


@pytest.mark.parametrize("scheduler", ["slurm", "kubernetes"])
def test_a_folder_that_is_a_file_is_refused(scheduler, study, tmp_path):
    (tmp_path / "notes").write_text("mine")
    config = Kubernetes(image="lab:1")
    launch = Launch(scheduler, kubernetes=config, folder=str(tmp_path / "notes"), dry_run=True)
    with pytest.raises(UserError, match="notes is no folder"):
        list(launch_study(study, ARGUMENTS, launch))


def test_a_pod_trains_the_tree_of_its_index(jobs):
    manifest = job_set(jobs, Kubernetes(image="lab:1", command=("sh", "-c", "")))
    phases = manifest["spec"]["replicatedJobs"][1]["template"]["spec"]
    assert phases["completions"] == len(jobs.trees)
    (container,) = phases["template"]["spec"]["containers"]
    script = container["command"][-1].replace("exec sh -c ''", "printf '%s\\0'")
    for index, tree in enumerate(jobs.trees):
        said = subprocess.run(
            ["sh", "-c", script],
            env={**os.environ, "JOB_COMPLETION_INDEX": str(index)},
            capture_output=True,
            text=True,
        )
        assert said.stdout.split("\0")[:-1] == list(jobs.train(tree))


def test_the_manifest_is_queued_waits_and_asks_for_what_is_configured(jobs):
    config = Kubernetes(
        image="lab:1",
        queue="research",
        priority="low",
        resources={"nvidia.com/gpu": "1"},
        tolerated_taints=("nvidia.com/gpu",),
        claim="disk",
        pods=3,
    )
    manifest = job_set(jobs, config)
    assert manifest["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "research"
    assert manifest["metadata"]["labels"]["kueue.x-k8s.io/priority-class"] == "low"
    prepare, phases, report = manifest["spec"]["replicatedJobs"]
    assert phases["dependsOn"] == [{"name": "prepare", "status": "Complete"}]
    assert report["dependsOn"] == [{"name": "phases", "status": "Complete"}]
    assert phases["template"]["spec"]["parallelism"] == 3
    pod = phases["template"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    assert "tolerations" not in prepare["template"]["spec"]["template"]["spec"]
    # A preempted pod is no failure; exit codes 2 and 3 end its index for good.
    codes, disruption = phases["template"]["spec"]["podFailurePolicy"]["rules"]
    assert (codes["action"], codes["onExitCodes"]["values"]) == ("FailIndex", [2, 3])
    assert disruption["action"] == "Ignore"


def test_the_name_is_one_of_kubernetes_and_of_the_phases(jobs):
    config = Kubernetes(image="lab:1")
    long = dataclasses.replace(jobs, study="My.study_with-a@very+long.name-paper_470m")
    name = job_set(long, config)["metadata"]["name"]
    # The pods' names add "-phases-0-99999-abcde".
    assert re.fullmatch("[a-z0-9]([a-z0-9-]*[a-z0-9])?", name) and len(name) + 21 <= 63
    fewer = dataclasses.replace(long, phases=long.phases[:1])
    assert job_set(fewer, config)["metadata"]["name"] != name


def test_without_an_image_there_is_no_manifest(jobs):
    with pytest.raises(UserError, match=r"Kubernetes\.image is empty"):
        job_set(jobs, Kubernetes())


def test_submit_cancels_what_was_taken_when_the_next_is_refused(jobs, tmp_path):
    """With commands that stand for SLURM's, the third submission being refused."""
    programs = {
        "sbatch": "n=$(cat count); echo $((n + 1)) > count; [ $n -lt 2 ] && echo $n",
        "scancel": "echo $* > cancelled",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "count").write_text("0\n")
    submit = tmp_path / slurm.SUBMIT
    submit.write_text(slurm_files(jobs, Slurm(), tmp_path)[slurm.SUBMIT])
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(["bash", str(submit)], env={**os.environ, "PATH": path})
    assert done.returncode != 0
    assert (tmp_path / "cancelled").read_text().split() == ["0", "1"]


def test_paths_with_spaces_reach_sbatch_whole(jobs, tmp_path):
    folder = tmp_path / "my launch"
    text = slurm_files(jobs, Slurm(), folder)["prepare.sh"]
    (line,) = (line for line in text.splitlines() if "--output=" in line)
    assert shlex.split(line.removeprefix("#SBATCH ")) == [f"--output={folder}/logs/%x-%j.log"]
    with pytest.raises(UserError, match="work in another folder"):
        slurm_files(jobs, Slurm(), Path('a"b'))
