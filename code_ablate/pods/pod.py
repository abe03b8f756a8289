"""What the phases of a study cost on a TPU pod that is not here.

    pod = Pod("v5e:8x8", MeshConfig(data=1, fsdp=-1), microbatches=1)
    pod.estimate(phase).chip_hours(phase.tokens)

Phases whose train steps are the same program are compiled once.
"""

import functools
from dataclasses import dataclass

from code_ablate.model.config import MeshConfig, ModelConfig
from code_ablate.model.flops import count_parameters
from code_ablate.pods.step_cost import StepCost
from code_ablate.training.phase import Phase

PAPER_CHIP_HOURS = {
    467_682_304: (("200B tokens", 200e9, 4_736), ("a cooldown of 40B", 40e9, 1_024)),
    2_794_519_040: (("200B tokens", 200e9, 13_824),),
}
"""TPU v5e chip-hours that the reference study reports (arXiv 2408.10914), by parameters."""


@dataclass(frozen=True)
class Pod:
    """A topology and how it is used."""

    topology: str
    """Chip, and chips along each axis: "v5e:8x8"."""
    mesh: MeshConfig
    """Chips for each kind of parallelism."""
    microbatches: int = 1
    """Parts of a batch that are computed one after the other."""

    def estimate(self, phase: Phase) -> StepCost:
        """Compiles the phase's train step, unless one like it was compiled before."""
        return _estimate(
            phase.model,
            phase.optimizer,
            phase.z_loss,
            batch_windows=phase.batch_windows,
            seq_len=phase.seq_len,
            document_masks=phase.document_masks,
            topology=self.topology,
            mesh=self.mesh,
            microbatches=self.microbatches,
        )


@functools.lru_cache
def _estimate(*model_optimizer_and_z_loss, **sizes) -> StepCost:
    from code_ablate.pods.compile_step import estimate_step  # loads JAX

    return estimate_step(*model_optimizer_and_z_loss, **sizes)


def beside_the_paper(model: ModelConfig, cost: StepCost) -> list[str]:
    """Lines that set an estimated cost beside what the reference study reports for such a model."""
    published = PAPER_CHIP_HOURS.get(count_parameters(model).total, ())
    return [
        f"{what:<20}{cost.chip_hours(tokens):>9,.0f} {cost.chip.name} chip-hours by this "
        f"estimate; {hours:,} v5e chip-hours in the paper"
        for what, tokens, hours in published
    ]
