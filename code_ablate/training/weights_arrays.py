"""The arrays of a folder of weights: written once by an import, read at the start of a phase.

weights = save_weights("weights/cohere", model, params, vocabulary=digest, source="cohere")
params = load_weights(weights, model, mesh)
"""

import orbax.checkpoint as ocp
from etils import epath
from jax.sharding import Mesh

from code_ablate import own_file, storage
from code_ablate.errors import UserError, first_line
from code_ablate.model.config import ModelConfig
from code_ablate.model.transformer import Params
from code_ablate.training.array_fingerprint import state_fingerprint
from code_ablate.training.step import abstract_params
from code_ablate.training.weights import ARRAYS, FILE, FORMAT, Weights, WeightsRecord, shape_of


def save_weights(
    folder: epath.PathLike, model: ModelConfig, params: Params, *, vocabulary: str, source: str
) -> Weights:
    """Writes a new folder. The description comes last: a kill leaves none, or all.

    `vocabulary`: digest of the one that the token ids are of. Raises UserError if the folder has
    content.
    """
    storage.require(folder, "the folder of weights", storage.CHECKPOINTS)
    folder = epath.Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty: name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    arrays = folder / ARRAYS if storage.is_remote(folder) else folder.resolve() / ARRAYS
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(arrays, params)
    record = WeightsRecord(state_fingerprint(params), shape_of(model), vocabulary, source)
    storage.replace(folder / FILE, own_file.text_of(record, FORMAT))
    return Weights(str(folder), record.weights)


def load_weights(weights: Weights, model: ModelConfig, mesh: Mesh) -> Params:
    """The parameters, sharded over the mesh. Raises UserError if a bit of them has changed."""
    folder = epath.Path(weights.folder)
    arrays = folder / ARRAYS if storage.is_remote(folder) else folder.resolve() / ARRAYS
    like = ocp.args.StandardRestore(abstract_params(model, mesh))
    why = f"they are not those with the digest {weights.digest}"
    try:
        params = ocp.StandardCheckpointHandler().restore(arrays, args=like)
        if state_fingerprint(params) == weights.digest:
            return params
    except (OSError, ValueError) as error:  # a file is gone, or cannot be decoded
        why = first_line(error)
    raise UserError(f"the weights in {weights.folder} are damaged ({why}): import them again.")
