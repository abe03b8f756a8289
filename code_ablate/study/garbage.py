"""Checkpoints of a study that nothing needs any more.

    garbage = find_garbage(epath.Path("runs/study-demo"))
    garbage.bytes, garbage.kept
    delete_garbage(garbage)

Needed is whatever some study in the same folder of runs still asks of a run, by its phases.json,
and whatever a run that is not complete starts from, by its config.json. A run that is not complete
keeps all it has. Where one of these files cannot be read, nothing is deleted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from etils import epath

from code_ablate import storage
from code_ablate.identity import identity
from code_ablate.study.study_phases import StudyPhase, StudyPhases
from code_ablate.training import run_files
from code_ablate.training.rundir import RunDirectory

DELETED = ".deleted"
"""End of the name of a checkpoint that is being deleted: a kill leaves no half of one."""


@dataclass(frozen=True)
class Deletable:
    """One checkpoint that nothing needs."""

    run: epath.Path
    """Folder of the run."""
    folder: epath.Path
    """Folder of the checkpoint."""
    bytes: int
    """Size of its files."""
    why: str
    """Why nothing needs it."""


@dataclass(frozen=True)
class Garbage:
    """What can be deleted of a study, and what cannot."""

    deletable: tuple[Deletable, ...]
    """Checkpoints that nothing needs."""
    kept: Mapping[str, int]
    """Number of runs whose parameters stay, by the reason."""

    @property
    def bytes(self) -> int:
        """Size of all that can be deleted."""
        return sum(checkpoint.bytes for checkpoint in self.deletable)


def find_garbage(directory: epath.Path, *, arms: bool = False) -> Garbage:
    """The checkpoints of the study in `directory` that nothing needs.

    `arms`: also the last ones of arms that are evaluated, which an export or a task that is added
    later would need. Raises UserError if a study or run in the same folder of runs cannot be read.
    """
    runs_dir = directory.parent
    record = StudyPhases.read(directory)
    others = _other_studies(directory)
    reasons = _needed(runs_dir, (record, *others))
    of_arms = {p.identity for study in (record, *others) for p in study.phases if p.evaluated}
    deletable: list[Deletable] = []
    kept: dict[str, int] = {}
    for phase in record.phases:
        run = RunDirectory(runs_dir / phase.run, phase.identity)
        reason = reasons.get(phase.identity, "")
        if not reason and phase.identity in of_arms and not arms:
            reason = "the model of an arm (--arms deletes it too)"
        if not run.complete:
            reason = "training goes on from it" if run.has_checkpoints else ""
        if reason:
            kept[reason] = kept.get(reason, 0) + 1
        if run.complete:
            asked = _asked_steps(phase, (record, *others), runs_dir)
            deletable += _of_run(run, phase, asked, keep_last=bool(reason))
            if asked:
                why = "a study has to evaluate an earlier checkpoint"
                kept[why] = kept.get(why, 0) + 1
    return Garbage(tuple(deletable), kept)


def delete_garbage(garbage: Garbage) -> None:
    """Deletes it. A run that is trained meanwhile raises UserError, and what is left stays."""
    for checkpoint in garbage.deletable:
        run = RunDirectory(checkpoint.run, "")
        with run.locked():
            _delete(checkpoint.folder)


def _delete(folder: epath.Path) -> None:
    if not storage.is_remote(folder) and not folder.name.endswith(DELETED):
        folder = folder.rename(folder.parent / f"{folder.name}{DELETED}")
    folder.rmtree()


def _asked_steps(
    phase: StudyPhase, studies: tuple[StudyPhases, ...], runs_dir: epath.Path
) -> set[int]:
    """Steps of checkpoints before the last that some study still has to evaluate."""
    return {
        step
        for study in studies
        for other in study.phases
        if other.identity == phase.identity
        for step in other.earlier_steps
        if study.unscored(other, runs_dir, step)
    }


def _of_run(
    run: RunDirectory, phase: StudyPhase, asked: set[int], *, keep_last: bool
) -> Iterator[Deletable]:
    """What can go of a complete run, without its last checkpoint or with it.

    `asked`: steps of earlier checkpoints that stay.
    """
    steps = run_files.checkpoint_steps(run.path)
    for step in steps:
        last = step == phase.steps
        if (last and keep_last) or step in asked:
            continue
        if not last and keep_last and phase.steps not in steps:
            continue  # the last one is lost: its end can be trained again from here
        why = "older than the last"
        if last:
            why = "its scores are on record" if phase.evaluated else "nothing starts from it"
        folder = run.checkpoints / str(step)
        yield Deletable(run.path, folder, _size(folder), why)
    for folder in run.checkpoints.glob(f"*{DELETED}") if run.checkpoints.exists() else ():
        yield Deletable(run.path, folder, _size(folder), "left by a deletion that was killed")


def _size(path: epath.Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(map(_size, path.iterdir())) if path.is_dir() else path.stat().length


def _other_studies(directory: epath.Path) -> tuple[StudyPhases, ...]:
    """The other studies in the same folder of runs. Raises UserError if one cannot be read."""
    folders = sorted(directory.parent.glob("study-*"))
    return tuple(StudyPhases.read(other) for other in folders if other.name != directory.name)


def _needed(runs_dir: epath.Path, studies: tuple[StudyPhases, ...]) -> dict[str, str]:
    """Why the parameters of a phase are needed, by its identity."""
    stray = "a run that is not complete starts from it"
    needed = dict.fromkeys(_parents_of_incomplete_runs(runs_dir), stray)
    phases = [(study, phase) for study in studies for phase in study.phases]
    for study, phase in phases:
        if study.unscored(phase, runs_dir):
            needed[phase.identity] = f"study {study.study} has to evaluate it"
    known = -1
    while known != len(needed):  # one study may start from what another one has lost
        known = len(needed)
        for study, phase in reversed(phases):
            run = RunDirectory(runs_dir / phase.run, phase.identity)
            lost = phase.identity in needed and not run.has_parameters(phase.steps)
            if phase.parent and (lost or not run.complete):
                needed.setdefault(phase.parent, f"a phase of study {study.study} starts from it")
    return needed


def _parents_of_incomplete_runs(runs_dir: epath.Path) -> Iterator[str]:
    """Identities of phases that runs in the folder start from, those of no study among them."""
    for file in sorted(runs_dir.glob(f"*/{run_files.CONFIG}")):
        description = run_files.read_config(file.parent).description
        if run_files.read_status(file.parent).state != "complete" and description.get("parent"):
            yield identity(description["parent"])


def garbage_text(garbage: Garbage) -> str:
    """A line for each checkpoint, and what stays."""
    lines = [
        f"{_mib(checkpoint.bytes):>12}  {checkpoint.folder}  {checkpoint.why}"
        for checkpoint in garbage.deletable
    ]
    for reason, runs in garbage.kept.items():
        lines.append(f"{'kept':>12}  {runs} {'run' if runs == 1 else 'runs'}: {reason}")
    count = len(garbage.deletable)
    what = "1 checkpoint" if count == 1 else f"{count} checkpoints"
    lines.append(f"{what} that nothing needs, {_mib(garbage.bytes)}")
    return "\n".join(lines)


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
