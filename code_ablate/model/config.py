"""Shape of a model and of a mesh, as plain values. Importing them loads no JAX.

ModelConfig(d_model=128, layers=4, heads=4, head_dim=32, feed_forward=352, vocabulary_size=2048)
MeshConfig(data=-1, fsdp=4)
"""

from dataclasses import dataclass
from typing import Annotated

import ml_dtypes
import numpy as np
from annotated_types import Ge, Le

from code_ablate.checked import OneOf, Positive, PositiveInt, checked
from code_ablate.errors import UserError

Size = Annotated[int, Ge(1), Le(10_000_000)]
Layers = Annotated[int, Ge(1), Le(10_000)]
Devices = Annotated[int, Ge(-1), Le(1_000_000)]

COMPUTE_DTYPES = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16}
"""What activations may be computed in."""

ATTENTION = ("reference", "blocked", "dot_product", "cudnn", "splash", "splash_interpret")
"""Names of the backends in code_ablate.model.attention."""

REMAT = ("none", "full", "attention", "attention_qk", "dots")
"""Names of the policies in code_ablate.model.transformer, and "none"."""


@checked
@dataclass(frozen=True)
class ModelConfig:
    """Shape of the model, and how it is computed (the last four fields)."""

    d_model: Size
    """Width of the residual stream."""

    layers: Layers
    """Number of blocks."""

    heads: Size
    """Query heads per block."""

    head_dim: Size
    """Channels per head; even, because rotary embedding turns pairs of channels."""

    feed_forward: Size
    """Width of the feed-forward's hidden layer (SwiGLU: three matrices of this width)."""

    vocabulary_size: Size
    """Entries of the embedding, which is also the output matrix."""

    kv_heads: Size | None = None
    """Key-value heads; fewer than `heads` is grouped-query attention. None: as many as `heads`."""

    rope_theta: Positive = 10_000.0
    """Base of the rotary embedding's wavelengths."""

    norm_epsilon: Positive = 1e-5
    """Added to the variance in every layer norm."""

    compute_dtype: Annotated[str, OneOf(tuple(COMPUTE_DTYPES))] = "float32"
    """Type of activations and matrix products. Parameters are float32, and so are
    norms, softmax and logits."""

    attention: Annotated[str, OneOf(ATTENTION)] = "reference"
    """Attention backend; see code_ablate.model.attention."""

    remat: Annotated[str, OneOf(REMAT)] = "none"
    """What the backward pass recomputes: "none", "full" (whole blocks; least memory), "attention"
    (not the splash kernel, whose output is kept), "attention_qk" (nor queries and keys) or "dots"
    (everything but the projections)."""

    loss_chunk_tokens: PositiveInt | None = None
    """Tokens per device whose logits the loss holds at once, at most; None: by the platform."""

    def __post_init__(self):
        if self.head_dim % 2:
            raise UserError(f"model head_dim is {self.head_dim}: set it to an even number.")
        if self.kv_heads is not None and self.heads % self.kv_heads:
            raise UserError(
                f"model kv_heads is {self.kv_heads}: set it to a divisor of heads ({self.heads}), "
                "or to None for one per query head."
            )

    @property
    def num_kv_heads(self) -> int:
        """Key-value heads, None resolved."""
        return self.heads if self.kv_heads is None else self.kv_heads

    @property
    def dtype(self) -> np.dtype:
        """compute_dtype as NumPy's and JAX's own."""
        return np.dtype(COMPUTE_DTYPES[self.compute_dtype])


@checked
@dataclass(frozen=True)
class MeshConfig:
    """How many devices each kind of parallelism gets. One of the three may be -1: what is left."""

    data: Devices = -1
    """Replicas of the parameters, each with its own rows of the batch."""

    fsdp: Devices = 1
    """Devices that split rows and also parameters and optimizer state, gathering them when used."""

    tensor: Devices = 1
    """Devices that split heads, feed-forward and vocabulary of the same rows."""

    def __post_init__(self):
        for name, size in self.sizes().items():
            if size == 0:
                raise UserError(
                    f"mesh axis {name} is {size}: set it to 1 or more, or to -1 for the "
                    "devices that are left over."
                )
        if list(self.sizes().values()).count(-1) > 1:
            raise UserError("only one mesh axis may be -1 (what is left over); set the others.")

    def sizes(self) -> dict[str, int]:
        """Mesh axis -> size, outermost first."""
        return {"data": self.data, "fsdp": self.fsdp, "tensor": self.tensor}
