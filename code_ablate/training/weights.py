"""Parameters that training starts from and that were trained elsewhere, on data nobody here knows.

    Setting.weights = @weights_in()              # in gin
    weights_in.folder = 'weights/cohere'

`code-ablate import` makes such a folder, of a model in the form of Hugging Face or of a run. The
identity of a phase that starts from it holds the digest of the parameters, and not where they lie.
Imports no JAX: code_ablate.training.weights_arrays reads and writes the arrays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etils import epath

from code_ablate import own_file, storage
from code_ablate.checked import checked
from code_ablate.errors import UserError
from code_ablate.identity import differences, to_plain
from code_ablate.model.config import ModelConfig

FORMAT = 1
"""Raised when the meaning of a field changes."""

FILE, ARRAYS = "weights.json", "params"
"""Names in the folder: the description, and the folder of the arrays."""

_SHAPE = ("d_model", "layers", "heads", "head_dim", "feed_forward", "vocabulary_size", "kv_heads",
          "rope_theta", "norm_epsilon")  # fmt: skip
"""Fields of ModelConfig that say which function the parameters are of."""


@checked
@dataclass(frozen=True)
class Weights:
    """Parameters made elsewhere. In gin: @weights_in()."""

    folder: str
    """Folder that `code-ablate import` wrote. Not part of the identity."""
    digest: str
    """Hash of all parameters, to the last bit."""


@dataclass(frozen=True)
class WeightsRecord:
    """What a folder of weights says of them."""

    weights: str
    """Hash of all parameters, to the last bit."""
    model: Mapping[str, Any]
    """Shape of their model: see `shape_of`."""
    vocabulary: str
    """Digest of the vocabulary that their token ids are of."""
    source: str
    """What they were made of, in words."""


@checked
def weights_in(folder: str) -> Weights:
    """The parameters in a folder that `code-ablate import` wrote.

    Raises UserError if there are none. `folder`: path of that folder.
    """
    return Weights(folder, read_record(folder).weights)


def read_record(folder: epath.PathLike) -> WeightsRecord:
    """Raises UserError if the folder holds no weights, or its description is damaged."""
    storage.require(folder, "weights_in.folder", storage.CHECKPOINTS)
    try:
        return own_file.read(epath.Path(folder) / FILE, WeightsRecord, FORMAT)
    except own_file.Damaged as error:
        raise UserError(
            f"{error}: make it with code-ablate import SOURCE --out {folder}."
        ) from error


def require_fit(weights: Weights, model: ModelConfig, vocabulary: str) -> None:
    """Raises UserError if the weights are not what was named, or of another model or vocabulary.

    `vocabulary`: digest of the one that the token stores are of.
    """
    record = read_record(weights.folder)
    if record.weights != weights.digest:
        raise UserError(
            f"{weights.folder} holds other weights ({record.weights}) than the phase starts from "
            f"({weights.digest}): put those back, or give the command again from the beginning."
        )
    if lines := differences(dict(record.model), shape_of(model)):
        raise UserError(
            f"the weights in {weights.folder} are of another model than the phase "
            f"({'; '.join(lines)}): set ModelConfig to theirs."
        )
    if record.vocabulary != vocabulary:
        raise UserError(
            f"the weights in {weights.folder} are of the vocabulary {record.vocabulary[:12]}, and "
            f"the token stores of {vocabulary[:12]}: name theirs in VocabularyConfig.name, for a "
            "model in the form of Hugging Face its tokenizer.json."
        )


def shape_of(model: ModelConfig) -> dict[str, Any]:
    """What has to be equal for the same parameters to be the same model."""
    plain = {**to_plain(model), "kv_heads": model.num_kv_heads}
    return {name: plain[name] for name in _SHAPE}
