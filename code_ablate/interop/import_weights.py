"""Makes a folder of weights, which a study can start from, of a model that was trained elsewhere.

weights = import_weights("exported", "weights/cohere")       # in the form of Hugging Face
weights = import_weights("other_lab/runs/RUN", "weights/theirs", step=2000)
"""

from pathlib import Path

from etils import epath

from code_ablate.data.vocabulary_files import file_digest
from code_ablate.errors import UserError
from code_ablate.interop.huggingface import WEIGHTS, import_model
from code_ablate.model.config import MeshConfig
from code_ablate.model.sharding import make_mesh
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.rundir import RunDirectory, phase_of_run
from code_ablate.training.step import abstract_params
from code_ablate.training.trained import require_finite
from code_ablate.training.weights import Weights
from code_ablate.training.weights_arrays import save_weights

TOKENIZER = "tokenizer.json"


def import_weights(
    source: epath.PathLike, out: epath.PathLike, *, step: int | None = None
) -> Weights:
    """Writes `out` of a folder that save_pretrained wrote, or of a run's checkpoint.

    `step`: of the run's checkpoint; None: the last. Raises UserError if `source` is neither, if a
    weight is not finite, or if `out` has content.
    """
    if (Path(source) / WEIGHTS).exists():
        if step is not None:
            raise UserError(f"{source} is no run, and has no steps: leave out --step.")
        return _of_huggingface(Path(source), out)
    return _of_run(RunDirectory.open(source), out, step)


def _of_huggingface(source: Path, out: epath.PathLike) -> Weights:
    tokenizer = source / TOKENIZER
    if not tokenizer.exists():
        raise UserError(
            f"{source} has no {TOKENIZER}: put that of the model there. Nothing else says what its "
            "token ids stand for."
        )
    model, params = import_model(source)
    require_finite(params, str(source))
    vocabulary = file_digest(tokenizer)
    return save_weights(out, model, params, vocabulary=vocabulary, source=str(source))


def _of_run(run: RunDirectory, out: epath.PathLike, step: int | None) -> Weights:
    model, mesh = phase_of_run(str(run.path)).model, make_mesh(MeshConfig())
    with Checkpoints(run.checkpoints, read_only=True) as checkpoints:
        step = checkpoints.existing(step)
        params = checkpoints.restore_params(abstract_params(model, mesh), step)
    require_finite(params, f"step {step:,} of {run.path}")
    source = f"step {step} of phase {run.identity}"
    return save_weights(out, model, params, vocabulary=run.config["vocabulary"], source=source)
