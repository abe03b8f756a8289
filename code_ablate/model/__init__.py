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

from code_ablate.model.loss import cross_entropy, token_log_likelihoods
from code_ablate.model.sharding import MeshConfig, make_mesh
from code_ablate.model.transformer import (
    ModelConfig,
    Transformer,
    apply,
    init_params,
    param_axes,
    param_shapes,
    param_shardings,
)

__all__ = [
    "MeshConfig",
    "ModelConfig",
    "Transformer",
    "apply",
    "cross_entropy",
    "init_params",
    "make_mesh",
    "param_axes",
    "param_shapes",
    "param_shardings",
    "token_log_likelihoods",
]
