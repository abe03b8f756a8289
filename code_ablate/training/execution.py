"""How and where a phase is carried out: nothing here changes what is trained.

execution = Execution(mesh=MeshConfig(fsdp=8), loop=LoopConfig(checkpoint_every=500))
"""

from dataclasses import dataclass
from typing import Annotated

from code_ablate.checked import OneOf, PositiveInt, checked
from code_ablate.model.config import MeshConfig
from code_ablate.training.profiler import ProfileConfig
from code_ablate.training.tracking import TrackingConfig


@checked
@dataclass(frozen=True)
class LoopConfig:
    """How a phase is cut into pieces of work, and how often things are written."""

    log_every: PositiveInt = 20
    """Steps between lines of metrics.jsonl."""
    checkpoint_every: PositiveInt = 1000
    """Steps between checkpoints; there is always one at the end."""
    keep_checkpoints: PositiveInt = 2
    """Newest checkpoints kept. With two or more there is another one should one be damaged."""
    read_ahead: PositiveInt = 2
    """Batches read, and moved to the devices, before they are needed."""
    microbatches: PositiveInt = 1
    """Parts of a batch that are computed one after the other, to save memory."""
    validate_every: PositiveInt | None = None
    """Steps between measurements of the loss on held-out windows; None: never."""
    validation_windows: PositiveInt = 64
    """Held-out windows of each corpus that a validation measures, at most."""


@checked
@dataclass(frozen=True)
class FleetConfig:
    """How many phases of a study are trained beside each other. It changes no result."""

    members: Annotated[str, OneOf(("auto",))] | PositiveInt = "auto"
    """Most phases that are trained at the same time: on a CPU each on cores of its own, on
    accelerators each on its part of the devices. 'auto': on a CPU as many as there are cores and
    memory for, else 1; 1: one after another."""


@dataclass(frozen=True)
class Execution:
    """Everything that gin binds about how a phase is carried out."""

    mesh: MeshConfig = MeshConfig()
    """Devices for each kind of parallelism."""
    loop: LoopConfig = LoopConfig()
    """Lengths of the pieces of work between lines, checkpoints and validations."""
    tracking: TrackingConfig = TrackingConfig()
    """Viewers that metrics go to."""
    profile: ProfileConfig = ProfileConfig()
    """Steps that are traced."""
    fleet: FleetConfig = FleetConfig()
    """Phases of a study that are trained beside each other."""
    side_by_side: int = 1
    """Number of phases that share this host's cores, this one among them: its run says so."""
