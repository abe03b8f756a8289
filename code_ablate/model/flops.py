"""Parameters and floating-point operations of a model, from its shape alone.

    count_parameters(config).total
    flops_per_token(config, seq_len=8192)                  # forward and backward
    flops_per_token(config, seq_len=8192, training=False)  # forward only

A multiplication and an addition count as two operations. Forward, per token:

    2 * (matrix parameters)             each weight is multiplied and added once
  + 2 * L * T * H * C                   attention: q k^T and weights v are 2 * H * C * (keys) each,
                                        and a causal query sees (T + 1) / 2 keys on average,
                                        taken as T / 2

"Matrix parameters" are the projections of the blocks and the output matrix. The output matrix is
the tied embedding: it is counted once, as the product that gives the logits, because the lookup at
the input multiplies nothing. The backward pass does each product twice (for its two operands), so
training is three times the forward pass: 6 * (matrix parameters) + 6 * L * T * H * C. Left out:
norms, softmax, rotary embedding, activation function and optimizer, and any rematerialisation,
which is work that does not count as useful. Document masks do not lower the count.

The tests compare this with XLA's own count: the matrix products of the unrolled model are exactly
these, forward and backward, but for the masked half of attention, which XLA counts.
"""

from dataclasses import dataclass

from code_ablate.model.config import ModelConfig


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of a model, by what they are for."""

    embedding: int
    """The token embedding, which is also the output matrix."""

    attention: int
    """Query, key, value and output projections of all layers."""

    feed_forward: int
    """Gate, up and down projections of all layers."""

    norms: int
    """Scales of the layer norms."""

    @property
    def total(self) -> int:
        """All parameters; the tied embedding once."""
        return self.embedding + self.attention + self.feed_forward + self.norms

    @property
    def matrices(self) -> int:
        """Parameters that multiply every token: all but the norms."""
        return self.embedding + self.attention + self.feed_forward


def count_parameters(config: ModelConfig) -> ParameterCount:
    """The exact parameter count of a configuration, without building it."""
    head_columns = 2 * config.heads + 2 * config.num_kv_heads  # query and output; key and value
    return ParameterCount(
        embedding=config.vocabulary_size * config.d_model,
        attention=config.layers * config.d_model * head_columns * config.head_dim,
        feed_forward=config.layers * 3 * config.d_model * config.feed_forward,
        norms=(config.layers + 1) * config.d_model,
    )


def flops_per_token(config: ModelConfig, seq_len: int, training: bool = True) -> float:
    """Useful floating-point operations per token at this sequence length, by the formula above."""
    attention = 2 * config.layers * seq_len * config.heads * config.head_dim
    forward = 2 * count_parameters(config).matrices + attention
    return float(3 * forward if training else forward)
