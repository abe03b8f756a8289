"""A run as what others can use: its model, its parameters and its vocabulary. No gin, no SeqIO.

trained = open_run("runs/demo-27d30288b2a82fc2", data_dir="data")
trained.model, trained.params, trained.vocabulary, trained.seq_len, trained.step
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from etils import epath
from jax.sharding import Mesh

from code_ablate.data.kept_vocabularies import load_kept_vocabulary
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError
from code_ablate.model.config import MeshConfig, ModelConfig
from code_ablate.model.sharding import make_mesh
from code_ablate.model.transformer import Params
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.rundir import RunDirectory, phase_of_run
from code_ablate.training.step import abstract_params


@dataclass(frozen=True)
class Trained:
    """A model as one checkpoint of a run has it."""

    model: ModelConfig
    """Shape of the model."""
    params: Params
    """Parameters, on the devices of `mesh`."""
    vocabulary: Vocabulary
    """Vocabulary of the token ids it was trained on."""
    seq_len: int
    """Predicted tokens of a window in training: the most that the model has seen at once."""
    identity: str
    """Identity of the phase that the run executed."""
    step: int
    """Train step of the checkpoint."""
    mesh: Mesh
    """Mesh that the parameters lie on."""

    @property
    def name(self) -> str:
        """The checkpoint, as messages call it."""
        return f"the checkpoint at step {self.step:,} of phase {self.identity}"


def open_run(
    directory: epath.PathLike,
    *,
    step: int | None = None,
    data_dir: epath.PathLike = "data",
    vocabulary: str = "",
    eos_token: str = "",
    mesh: MeshConfig | None = None,
) -> Trained:
    """The checkpoint at `step`, or the newest.

    The vocabulary is the one in `data_dir` that the run was trained with, or the file `vocabulary`
    (with `eos_token` as in VocabularyConfig), which must be the same. Raises UserError if there is
    no such run, checkpoint or vocabulary.
    """
    run = RunDirectory.open(directory)
    digest = run.config["vocabulary"]
    found = load_kept_vocabulary(
        digest, data_dir, str(run.path), file=vocabulary, eos_token=eos_token
    )
    return open_checkpoint(run, found, mesh or MeshConfig(), step)


def open_checkpoint(
    run: RunDirectory, vocabulary: Vocabulary, mesh: MeshConfig, step: int | None = None
) -> Trained:
    """The checkpoint of `run` at `step`, or the newest, for a vocabulary that is loaded already.

    Raises UserError if the run was trained with another vocabulary, if there is no such checkpoint,
    or if its weights are not finite; Unreadable if it cannot be read.
    """
    run.require_vocabulary(vocabulary.digest)
    phase, devices = phase_of_run(str(run.path)), make_mesh(mesh)
    with Checkpoints(run.checkpoints, read_only=True) as checkpoints:
        step = checkpoints.existing(step)
        params = checkpoints.restore_params(abstract_params(phase.model, devices), step)
    require_finite(params, f"step {step:,} of {run.path}")
    return Trained(phase.model, params, vocabulary, phase.seq_len, run.identity, step, devices)


def require_finite(params: Params, checkpoint: str) -> None:
    """Raises UserError, naming the checkpoint, if a weight is NaN or infinite.

    Such a model would not fail by itself: all of its likelihoods are NaN, and the likeliest of NaN
    is the first token, which may by chance be right.
    """
    # Under jit the answers are whole on every process, wherever the weights lie.
    finite = jax.jit(lambda tree: jax.tree.map(lambda leaf: jnp.isfinite(leaf).all(), tree))(params)
    broken = [
        jax.tree_util.keystr(at) for at, whole in jax.tree.leaves_with_path(finite) if not whole
    ]
    if broken:
        raise UserError(
            f"the weights of {checkpoint} are not finite ({len(broken)} arrays, such as "
            f"{broken[0]}): training has diverged. Name an earlier step with --step, or train "
            "again with a lower learning rate."
        )
