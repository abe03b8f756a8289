import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from code_ablate.model import apply as eager_apply
from code_ablate.model import decoding, init_params
from code_ablate.model.config import ModelConfig
from code_ablate.model.transformer import bind
from tests.tolerance import assert_close

apply, apply_tree, decode = (
    jax.jit(function, static_argnums=0)
    for function in (eager_apply, decoding.apply_tree, decoding.decode)
)
prefill = jax.jit(decoding.prefill, static_argnums=(0, 3), static_argnames="unrolled")

LENGTHS = (1, 4, 9)  # of the prompts, which are padded to the longest


@pytest.mark.parametrize(
    ("backend", "kv_heads", "unrolled"), [("blocked", 2, False), ("dot_product", 4, True)]
)
def test_one_token_after_another_gives_the_logits_of_the_whole_sequence(
    config, backend, kv_heads, unrolled
):
    config = dataclasses.replace(config, kv_heads=kv_heads, attention=backend)
    params = init_params(config, 0)
    T, steps = max(LENGTHS), 5
    shape = (len(LENGTHS), T + steps)
    tokens_BT = jax.random.randint(jax.random.key(1), shape, 0, config.vocabulary_size)
    expected_BTV = bind(config, params).logits(apply(config, params, tokens_BT))

    fed_B = np.array(LENGTHS)
    # The padding of a row is not zero here: it must not matter what it is.
    caches = prefill(config, params, tokens_BT[:, :T], T + steps, unrolled=unrolled)
    assert isinstance(caches, list) == unrolled
    columns_S = np.arange(T + steps)[None, :]
    rows = np.arange(len(LENGTHS))
    for index in range(steps):
        position_B = fed_B + index
        in_answer_BS = (columns_S >= T) & (columns_S < T + index)
        visible_BS = (columns_S < fed_B[:, None]) | in_answer_BS
        logits_BV, caches = decode(
            config,
            params,
            tokens_BT[rows, position_B],
            jnp.asarray(position_B),
            caches,
            visible_BS,
            T + index,
        )
        assert_close(logits_BV, expected_BTV[rows, position_B], 1e-4)


def test_scanned_layers_are_not_copied_for_a_loop_over_tokens():
    config = ModelConfig(128, 4, 4, 32, 512, vocabulary_size=64)
    params = jax.eval_shape(lambda: init_params(config, 0))
    temporaries = {}
    for unrolled in (False, True):

        def answer(params, tokens_BT, unrolled=unrolled):
            caches = decoding.prefill(config, params, tokens_BT, 16, unrolled=unrolled)

            def make_token(column, state):
                token_B, caches = state
                visible_BS = jnp.arange(16)[None, :] < column
                logits_BV, caches = decoding.decode(
                    config, params, token_B, column[None], caches, visible_BS, column
                )
                return logits_BV.argmax(axis=1), caches

            return jax.lax.fori_loop(8, 16, make_token, (tokens_BT[:, 0], caches))

        compiled = jax.jit(answer).lower(params, jnp.zeros((1, 8), int)).compile()
        temporaries[unrolled] = compiled.memory_analysis().temp_size_in_bytes
    blocks = sum(4 * leaf.size for leaf in jax.tree.leaves(params["blocks"]))
    assert temporaries[False] < blocks / 2 < blocks < temporaries[True]


def test_each_branch_of_a_tree_is_computed_as_if_alone(config):
    """Two rows, of different trunks, the first over several blocks of queries."""
    params = init_params(config, 0)
    rows = [(60, (3, 70, 1)), (1, (30, 2, 101))]  # trunk, branches
    T = 134
    tokens_BT = np.random.default_rng(0).integers(0, config.vocabulary_size, (2, T))
    positions_BT = np.stack(
        [
            np.concatenate([np.arange(trunk), *(trunk + np.arange(size) for size in sizes)])
            for trunk, sizes in rows
        ]
    )
    branches_BT = np.stack([np.repeat(range(4), (trunk, *sizes)) for trunk, sizes in rows])
    ends_BT = np.stack(
        [np.repeat([T, *np.cumsum((trunk, *sizes))[1:]], (trunk, *sizes)) for trunk, sizes in rows]
    )
    hidden_BTD = apply_tree(config, params, tokens_BT, positions_BT, ends_BT)
    for row in range(2):
        for branch in (1, 2, 3):
            (kept,) = np.nonzero((branches_BT[row] == 0) | (branches_BT[row] == branch))
            alone_BT = np.zeros((1, T), int)
            alone_BT[0, : len(kept)] = tokens_BT[row, kept]
            expected_TD = apply(config, params, alone_BT)[0, : len(kept)]
            assert_close(hidden_BTD[row, kept], expected_TD, 1e-4)
