"""Hands a study over to a scheduler, as jobs that wait for each other.

for line in launch_study(study, ("demo",), Launch("slurm", slurm=Slurm())):
    print(line)
"""

import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from code_ablate import storage
from code_ablate.study.graph import Study
from code_ablate.study.launch import kubernetes, slurm
from code_ablate.study.launch.here import run_here
from code_ablate.study.launch.job_graph import JobGraph
from code_ablate.study.launch.kubernetes import Kubernetes
from code_ablate.study.launch.slurm import Slurm


@dataclass(frozen=True)
class Launch:
    """Where a study is launched, and how."""

    scheduler: str
    """'slurm', 'kubernetes' or 'local'."""
    slurm: Slurm = field(default_factory=Slurm)
    """How jobs are submitted to SLURM."""
    kubernetes: Kubernetes = field(default_factory=Kubernetes)
    """How jobs are given to Kubernetes."""
    folder: str = ""
    """Folder for scripts, manifest and logs; empty: launch/STUDY in the current folder."""
    dry_run: bool = False
    """Whether to write what would be submitted, and submit nothing."""


def launch_study(study: Study, arguments: tuple[str, ...], launch: Launch) -> Iterator[str]:
    """Submits the jobs of a study; gives lines on what is done.

    `arguments`: what names the study on a command line, with gin files and bindings, as the jobs
    are to be given it; they run in the current folder. Raises UserError, Failed and, where jobs run
    here, Interrupted.
    """
    graph = JobGraph.of(study, arguments)
    folder = Path(launch.folder or f"launch/{graph.study}")
    storage.require_folder(folder, "the folder of the launch")
    submit = {"slurm": _on_slurm, "kubernetes": _on_kubernetes, "local": _here}
    yield from submit[launch.scheduler](graph, launch, folder)


def _on_slurm(graph: JobGraph, launch: Launch, folder: Path) -> Iterator[str]:
    files = slurm.slurm_files(graph, launch.slurm, folder)
    if not launch.dry_run:
        slurm.require_here()
    slurm.require_done(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "logs").mkdir(exist_ok=True)
    for name, text in files.items():
        storage.replace(folder / name, text)
        (folder / name).chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IXUSR | stat.S_IRGRP)
    arrays = graph.arrays(launch.slurm.largest_array)
    yield f"{len(graph.phases)} phases in {len(arrays)} job arrays, {len(files)} files in {folder}"
    if launch.dry_run:
        yield f"nothing is submitted; bash {folder / slurm.SUBMIT} does that."
        return
    for name, number in slurm.submit(folder).items():
        yield f"submitted {name}: job {number}"
    yield f"squeue --me shows them; logs are in {folder / 'logs'}."


def _on_kubernetes(graph: JobGraph, launch: Launch, folder: Path) -> Iterator[str]:
    path = kubernetes.write_manifest(kubernetes.job_set(graph, launch.kubernetes), folder)
    trees = "1 tree" if len(graph.trees) == 1 else f"{len(graph.trees)} trees"
    yield f"{len(graph.phases)} phases in {trees}, a pod for each: {path}"
    if launch.dry_run:
        yield f"nothing is submitted; kubectl create -f {path} does that."
        return
    yield kubernetes.create(path)


def _here(graph: JobGraph, launch: Launch, folder: Path) -> Iterator[str]:
    yield f"{len(graph.phases)} phases, one after another on this machine"
    if not launch.dry_run:
        run_here(graph)
        return
    for arguments in (graph.prepare, *(graph.train([p]) for p in graph.phases), graph.report):
        yield f"code-ablate {shlex.join(arguments)}"
