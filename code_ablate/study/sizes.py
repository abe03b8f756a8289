"""Model sizes by one number: the shape of a model with about that number of parameters.

    model_of(10_000_000, like=config)    # widths and layers; all else as in `config`

Shapes follow the reference study's: a feed-forward 2.75 times as wide as the model, heads of 128
channels (64 and 32 in small models), and a width some forty times the number of layers.
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from code_ablate.errors import UserError
from code_ablate.model.config import ModelConfig
from code_ablate.model.flops import count_parameters

FEED_FORWARD = 2.75
"""Width of the feed-forward over that of the model, as at 470M: 2816 / 1024."""

WIDTH_PER_LAYER = 40
"""Width over layers that is aimed at: 32 in the demo's model, 64 at 470M."""

FURTHEST = 0.25
"""Furthest that the parameters may be from what was asked for, as a share."""


def model_of(parameters: int, like: ModelConfig) -> ModelConfig:
    """A model of about this many parameters, its embedding among them.

    Vocabulary and all that is no shape are those of `like`. Raises UserError if no shape comes
    near, as where the vocabulary alone has more.
    """

    def distance(model: ModelConfig) -> float:
        size = math.log(count_parameters(model).total / parameters)
        form = math.log(model.d_model / model.layers / WIDTH_PER_LAYER)
        return abs(size) + 0.1 * abs(form)

    shapes = list(_shapes(parameters, like))
    best = min(shapes, key=distance, default=None)
    if best is None or abs(count_parameters(best).total / parameters - 1) > FURTHEST:
        raise UserError(
            f"no model of about {parameters:,} parameters with a vocabulary of "
            f"{like.vocabulary_size:,} entries: take more parameters or a smaller vocabulary."
        )
    return best


def _shapes(parameters: int, like: ModelConfig) -> Iterator[ModelConfig]:
    """For each width, the numbers of layers on both sides of what is asked for."""
    width = 32
    while width * like.vocabulary_size < parameters:
        head_dim = 32 if width <= 256 else 64 if width <= 768 else 128
        if width % head_dim == 0:
            shape: dict[str, Any] = {
                "d_model": width,
                "heads": width // head_dim,
                "head_dim": head_dim,
                "feed_forward": 32 * round(FEED_FORWARD * width / 32),
                "kv_heads": None,
            }
            one = count_parameters(dataclasses.replace(like, **shape, layers=1))
            layers = (parameters - one.embedding) / (one.total - one.embedding)
            for number in {max(1, math.floor(layers)), max(1, math.ceil(layers))}:
                if number <= width:  # the rest are far from any form, and many
                    yield dataclasses.replace(like, **shape, layers=number)
        width += 32
