"""Shape of a model and of a mesh, as plain values. Importing them loads no JAX.

ModelConfig(d_model=128, layers=4, heads=4, head_dim=32, feed_forward=352, vocabulary_size=2048)
MeshConfig(data=-1, fsdp=4)
"""

from dataclasses import dataclass

import ml_dtypes
import numpy as np

from code_ablate.errors import UserError, unknown_name

COMPUTE_DTYPES = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16}
"""What activations may be computed in."""

ATTENTION = ("reference", "blocked", "dot_product", "cudnn", "splash", "splash_interpret")
"""Names of the backends in code_ablate.model.attention."""

REMAT = ("none", "full", "attention", "attention_qk", "dots")
"""Names of the policies in code_ablate.model.transformer, and "none"."""


@dataclass(frozen=True)
class ModelConfig:
    """Shape of the model, and how it is computed (the last four fields)."""

    d_model: int
    """Width of the residual stream."""

    layers: int
    """Number of blocks."""

    heads: int
    """Query heads per block."""

    head_dim: int
    """Channels per head; even, because rotary embedding turns pairs of channels."""

    feed_forward: int
    """Width of the feed-forward's hidden layer (SwiGLU: three matrices of this width)."""

    vocabulary_size: int
    """Entries of the embedding, which is also the output matrix."""

    kv_heads: int | None = None
    """Key-value heads; fewer than `heads` is grouped-query attention. None: as many as `heads`."""

    rope_theta: float = 10_000.0
    """Base of the rotary embedding's wavelengths."""

    norm_epsilon: float = 1e-5
    """Added to the variance in every layer norm."""

    compute_dtype: str = "float32"
    """"float32" or "bfloat16": activations and matrix products. Parameters are float32, and so are
    norms, softmax and logits."""

    attention: str = "reference"
    """Attention backend; see code_ablate.model.attention."""

    remat: str = "none"
    """What the backward pass recomputes: "none", "full" (whole blocks; least memory), "attention"
    (not the splash kernel, whose output is kept), "attention_qk" (nor queries and keys) or "dots"
    (everything but the projections)."""

    loss_chunk_tokens: int | None = None
    """Tokens per device whose logits the loss holds at once, at most; None: by the platform."""

    def __post_init__(self):
        for name in ("d_model", "layers", "heads", "head_dim", "feed_forward", "vocabulary_size"):
            if getattr(self, name) < 1:
                raise UserError(f"model {name} is {getattr(self, name)}: set it to 1 or more.")
        if self.head_dim % 2:
            raise UserError(f"model head_dim is {self.head_dim}: set it to an even number.")
        if self.kv_heads is not None and (self.kv_heads < 1 or self.heads % self.kv_heads):
            raise UserError(
                f"model kv_heads is {self.kv_heads}: set it to a divisor of heads ({self.heads}), "
                "or to None for one per query head."
            )
        if self.rope_theta <= 0 or self.norm_epsilon <= 0:
            raise UserError(
                f"model rope_theta is {self.rope_theta} and norm_epsilon {self.norm_epsilon}: set "
                "both above 0."
            )
        if self.compute_dtype not in COMPUTE_DTYPES:
            raise unknown_name("compute_dtype", self.compute_dtype, COMPUTE_DTYPES)
        if self.remat not in REMAT:
            raise unknown_name("remat policy", self.remat, REMAT)
        if self.loss_chunk_tokens is not None and self.loss_chunk_tokens < 1:
            raise UserError(
                f"model loss_chunk_tokens is {self.loss_chunk_tokens}: set it to 1 or more, or to "
                "None."
            )
        if self.attention not in ATTENTION:
            raise unknown_name("attention backend", self.attention, ATTENTION)

    @property
    def num_kv_heads(self) -> int:
        """Key-value heads, None resolved."""
        return self.heads if self.kv_heads is None else self.kv_heads

    @property
    def dtype(self) -> np.dtype:
        """compute_dtype as NumPy's and JAX's own."""
        return np.dtype(COMPUTE_DTYPES[self.compute_dtype])


@dataclass(frozen=True)
class MeshConfig:
    """How many devices each kind of parallelism gets. One of the three may be -1: what is left."""

    data: int = -1
    """Replicas of the parameters, each with its own rows of the batch."""

    fsdp: int = 1
    """Devices that split rows and also parameters and optimizer state, gathering them when used."""

    tensor: int = 1
    """Devices that split heads, feed-forward and vocabulary of the same rows."""

    def __post_init__(self):
        for name, size in self.sizes().items():
            if size != -1 and size < 1:
                raise UserError(
                    f"mesh axis {name} is {size}: set it to 1 or more, or to -1 for the "
                    "devices that are left over."
                )
        if list(self.sizes().values()).count(-1) > 1:
            raise UserError("only one mesh axis may be -1 (what is left over); set the others.")

    def sizes(self) -> dict[str, int]:
        """Mesh axis -> size, outermost first."""
        return {"data": self.data, "fsdp": self.fsdp, "tensor": self.tensor}
