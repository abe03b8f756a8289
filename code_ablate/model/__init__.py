"""The language model as pure functions: shapes from one dataclass, parameters in a nested dict.

    params = init_params(ModelConfig(d_model=128, layers=4, ...), seed=0)
    hidden_BTD = apply(config, params, tokens_BT)
    loss, nll_BT = cross_entropy(hidden_BTD, params["embedding"], targets_BT, weights_BT)

An array carries its shape in its name: `hidden_BTD` has the axes batch, time, d_model.

| letter | axis                                             |
|--------|--------------------------------------------------|
| B      | batch: rows, each one window of tokens           |
| T      | time: positions of a row (queries, in attention) |
| S      | source: the positions attended to (keys, values) |
| D      | d_model, the width of the residual stream        |
| H      | query heads                                      |
| K      | key-value heads                                  |
| G      | query heads per key-value head, H = K * G        |
| C      | channels of one head (head_dim)                  |
| F      | feed-forward width                               |
| V      | vocabulary                                       |
| L      | layers, the leading axis of every block parameter |
"""

import importlib
from typing import Any

from code_ablate.model.config import MeshConfig, ModelConfig

_HOMES = {
    "Transformer": "transformer",
    "apply": "transformer",
    "cross_entropy": "loss",
    "init_params": "transformer",
    "make_mesh": "sharding",
    "param_axes": "transformer",
    "param_shapes": "transformer",
    "param_shardings": "transformer",
    "token_log_likelihoods": "loss",
}

__all__ = ["MeshConfig", "ModelConfig", *_HOMES]  # noqa: PLE0604 (names from a table)


def __getattr__(name: str) -> Any:
    # What computes is loaded when it is asked for, so that the shapes can be had without JAX.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
