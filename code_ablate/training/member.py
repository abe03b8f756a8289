"""A phase that is trained beside others, as it is handed to whoever trains it.

Member(phase, run, parent=parent_run, label="[3/26] pretraining 50% text seed 0", mark="[3/26]")
"""

from dataclasses import dataclass

from code_ablate.data.store import Stores
from code_ablate.training.execution import Execution
from code_ablate.training.phase import Phase
from code_ablate.training.rundir import RunDirectory


@dataclass(frozen=True)
class Member:
    """A phase that is trained beside others, with its runs."""

    phase: Phase
    """Phase that is trained."""
    run: RunDirectory
    """Run that the phase is trained into."""
    parent: RunDirectory | None
    """Complete run of the phase that it starts from; None: it starts from initialisation."""
    label: str
    """First line of its progress."""
    mark: str
    """Beginning of every other line, which tells it from those of the members beside it."""


@dataclass(frozen=True)
class Surroundings:
    """What all members have in common."""

    stores: Stores
    """Token stores of all corpora that they read."""
    execution: Execution
    """How and where they are trained."""
    operative_gin: str = ""
    """Gin bindings that their runs keep."""
