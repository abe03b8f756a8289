"""phases.json in a study's folder: which phases it has, and what it needs of each.

    describe_phases(study, graph, runs, suites).write(directory)       # of describe_phases
    StudyPhases.read(directory).phases[0].run

Written before the first step of training. `code-ablate status` and `clean` go by it: they need
neither gin nor SeqIO, and know what the other studies in the same folder of runs need.
"""

import contextlib
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from etils import epath

from code_ablate import own_file, storage
from code_ablate.evaluation.records import Key, Records

FORMAT = 1
"""Raised when the meaning of a field changes."""

FILE = "phases.json"
"""Name of the file in a study's folder."""


@dataclass(frozen=True)
class StudyPhase:
    """One distinct phase of a study."""

    identity: str
    """Identity of the phase."""
    run: str
    """Name of its run's folder."""
    name: str
    """What it is for: pretraining, continuation, cooldown."""
    size: str
    """Name of its model size."""
    mixture: str
    """Its mixture, in words."""
    seed: int
    """Its seed."""
    parent: str | None
    """Identity of the phase it starts from; None: from initialisation."""
    steps: int
    """Train steps."""
    seq_len: int
    """Tokens that a window predicts."""
    flops: float
    """Floating-point operations of its training."""
    evaluated: bool
    """Whether it is the last phase of an arm, which is evaluated."""
    used_by: tuple[str, ...]
    """Recipes with seed that need it."""
    earlier_steps: tuple[int, ...] = ()
    """Steps of its checkpoints before the last that are evaluated too, where they are there."""


@dataclass(frozen=True)
class StudyPhases:
    """All phases of a study."""

    study: str
    """Name of the study, and its scale."""
    configuration: str
    """Hash of what is compared and how, `Study.configuration`."""
    phases: tuple[StudyPhase, ...]
    """Distinct phases, parents before children."""
    scores: Mapping[str, tuple[Key, ...]]
    """What evaluated phases are scored on, by their seq_len; without what is missing here."""

    def write(self, directory: epath.Path) -> None:
        """Writes the file.

        A job that trains part of a study knows of that part what it is scored on: of the rest, what
        the file says is kept, if it is of this configuration.
        """
        record = self
        with contextlib.suppress(own_file.Damaged):
            there = StudyPhases.read(directory)
            if there.configuration == self.configuration:
                record = dataclasses.replace(self, scores={**there.scores, **self.scores})
            if there == record:
                return
        directory.mkdir(parents=True, exist_ok=True)
        storage.replace(directory / FILE, own_file.text_of(record, FORMAT))

    @classmethod
    def read(cls, directory: epath.Path) -> "StudyPhases":
        """Raises Damaged, with what to do, if the file is missing or not as it was written."""
        try:
            return own_file.read(directory / FILE, cls, FORMAT)
        except own_file.Damaged as error:
            raise own_file.Damaged(
                f"{error}: give the command of that study once more, which writes it before "
                "anything else."
            ) from error

    def unscored(
        self, phase: StudyPhase, runs_dir: epath.Path, step: int | None = None
    ) -> tuple[str, ...]:
        """The tasks and domains that a phase is still to be evaluated on; none if it is no arm.

        `step`: of an earlier checkpoint; None: the last one.
        """
        if not phase.evaluated:
            return ()
        if str(phase.seq_len) not in self.scores:
            return ("what no job has named yet",)
        records = Records(runs_dir / phase.run / "eval" / str(step or phase.steps))
        keys = self.scores[str(phase.seq_len)]
        return tuple(key.name for key in keys if not records.has(key))
