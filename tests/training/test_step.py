import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from code_ablate.errors import UserError
from code_ablate.evaluation.domains import _pieces
from code_ablate.evaluation.packing import Request
from code_ablate.evaluation.scoring import Scorer
from code_ablate.model.config import MeshConfig
from code_ablate.model.sharding import make_mesh
from code_ablate.training.optimizer import SPIKE_HISTORY, make_transform
from code_ablate.training.phase import Optimizer
from code_ablate.training.step import document_numbers, initial_state, make_train_step
from tests.conftest import TINY
from tests.tolerance import assert_close

RATE = np.float32(1e-2)


def take_step(tokens_BT, model=TINY, optimizer=Optimizer(), **kwargs):
    """(state, metrics) after the first step."""
    mesh = make_mesh(MeshConfig())
    with jax.set_mesh(mesh):
        state = initial_state(model, optimizer, 0, mesh)
        return make_train_step(model, optimizer, 0.0, mesh, **kwargs)(state, tokens_BT, RATE)


@pytest.fixture
def tokens_BT():
    return np.random.default_rng(0).integers(0, 256, (8, 17)).astype(np.int32)


@pytest.mark.parametrize("microbatches", [2, 8])
def test_gradient_accumulation_equals_the_large_batch(tokens_BT, microbatches):
    whole_state, whole = take_step(tokens_BT)
    state, parts = take_step(tokens_BT, microbatches=microbatches)
    np.testing.assert_allclose(parts["loss_B"], whole["loss_B"], rtol=1e-6)  # in the same order
    np.testing.assert_allclose(parts["grad_norm"], whole["grad_norm"], rtol=1e-5)
    first_moments = (state.moments, whole_state.moments)
    for one, other in zip(*map(jax.tree.leaves, first_moments), strict=True):
        assert_close(one, other, 1e-5)


def test_bfloat16_computes_with_float32_parameters_and_moments(tokens_BT):
    state, metrics = take_step(tokens_BT, dataclasses.replace(TINY, compute_dtype="bfloat16"))
    assert {leaf.dtype for leaf in jax.tree.leaves(state.params)} == {jnp.dtype("float32")}
    assert metrics["loss_B"].dtype == jnp.float32
    _, exact = take_step(tokens_BT)
    assert metrics["loss"] != exact["loss"]
    np.testing.assert_allclose(metrics["loss"], exact["loss"], rtol=2e-3)


@pytest.mark.parametrize("remat", ["full", "dots"])
def test_rematerialisation_changes_memory_and_not_the_step(tokens_BT, remat):
    kept_state, kept = take_step(tokens_BT)
    state, metrics = take_step(tokens_BT, dataclasses.replace(TINY, remat=remat))
    np.testing.assert_allclose(metrics["grad_norm"], kept["grad_norm"], rtol=1e-5)
    for one, other in zip(*(jax.tree.leaves(s.params) for s in (state, kept_state)), strict=True):
        assert_close(one, other, 1e-5)


def test_an_eos_belongs_to_the_document_behind_it():
    numbers = document_numbers(jnp.array([[5, 1, 6, 7, 1, 1, 8]]), eos_id=1)
    np.testing.assert_array_equal(numbers, [[0, 1, 1, 1, 2, 3, 3]])


def test_documents_are_scored_as_they_are_trained_on():
    eos, seq_len, rng = 1, 32, np.random.default_rng(0)
    end, whole, beginning = (rng.integers(2, 256, n).tolist() for n in (9, 13, 9))
    window_T = np.array([*end, eos, *whole, eos, *beginning], np.int32)
    assert len(window_T) == seq_len + 1
    _, masked = take_step(window_T[None], eos_id=eos)

    scored = [[*end, eos], [eos, *whole, eos], [eos, *beginning]]
    requests = [Request(np.array(tokens, np.int32), first=1) for tokens in scored]
    mesh = make_mesh(MeshConfig())
    scorer = Scorer(TINY, initial_state(TINY, Optimizer(), 0, mesh).params, mesh, longest=seq_len)
    log_p = scorer.score(requests).sum()
    np.testing.assert_allclose(masked["loss"] * seq_len, -log_p, rtol=1e-5)
    # A document's end apart, it is what an evaluation of the corpus asks for.
    (asked,) = _pieces(np.array(whole), eos, seq_len)
    assert asked.first == 1 and asked.tokens.tolist() == scored[1][:-1]


def test_document_masks_hide_the_documents_before(tokens_BT):
    tokens_BT = np.where(tokens_BT == 1, 2, tokens_BT)
    tokens_BT[:, 8] = 1
    changed_BT = tokens_BT.copy()
    changed_BT[:, 2:6] += 1  # within the first document, none of it the end

    def later_losses(tokens_BT, eos_id):
        # The loss of a window is a mean: twice with other beginnings tells what the end depends on.
        from code_ablate.model.loss import token_log_likelihoods
        from code_ablate.model.transformer import apply, init_params

        params = init_params(TINY, 0)
        segments = None if eos_id is None else document_numbers(tokens_BT[:, :-1], eos_id)
        hidden_BTD = apply(TINY, params, tokens_BT[:, :-1], segments)
        return token_log_likelihoods(hidden_BTD, params["embedding"], tokens_BT[:, 1:])[:, 9:]

    same = later_losses(tokens_BT, 1), later_losses(changed_BT, 1)
    assert_close(*same, 1e-5)
    other = later_losses(tokens_BT, None), later_losses(changed_BT, None)
    with pytest.raises(AssertionError):
        assert_close(*other, 1e-5)
    _, masked = take_step(tokens_BT, eos_id=1)
    _, unmasked = take_step(tokens_BT)
    assert masked["loss"] != unmasked["loss"]


def steady(transform, params, steps):
    """The optimizer's state after this many ordinary steps."""
    state = transform.init(params)
    update = jax.jit(lambda s, g, loss: transform.update(g, s, params, loss=loss)[1])
    for step in range(steps):
        wobble = 1 + 0.01 * (-1) ** step
        state = update(state, jax.tree.map(lambda p, w=wobble: w * jnp.ones_like(p), params), 3.0)
    return state


@pytest.mark.parametrize(
    ("steps", "loss", "scale", "skipped"),
    [
        (SPIKE_HISTORY, 3.0, 1.0, 0),
        (SPIKE_HISTORY, 9.0, 1.0, 1),  # the loss stands out
        (SPIKE_HISTORY, 3.0, 50.0, 1),  # the gradient does
        (SPIKE_HISTORY - 1, 9.0, 50.0, 0),  # too early to tell
    ],
)
def test_a_spike_changes_neither_parameters_nor_moments(steps, loss, scale, skipped):
    params = {"matrix": jnp.ones((4, 4))}
    transform = make_transform(Optimizer(skip_spikes=6.0))
    before = steady(transform, params, steps)
    grads = {"matrix": scale * jnp.ones((4, 4))}
    direction, after = transform.update(grads, before, params, loss=loss)
    assert int(after.skipped) == skipped and int(after.seen) == steps + 1
    assert bool((direction["matrix"] == 0).all()) == bool(skipped)
    unchanged = jax.tree.map(lambda a, b: bool((a == b).all()), before.inner, after.inner)
    assert all(jax.tree.leaves(unchanged)) == bool(skipped)


def test_a_lasting_change_is_accepted():
    params = {"matrix": jnp.ones((4, 4))}
    transform = make_transform(Optimizer(skip_spikes=6.0))
    state = steady(transform, params, SPIKE_HISTORY)
    update = jax.jit(lambda s: transform.update(params, s, params, loss=9.0)[1])
    for _ in range(SPIKE_HISTORY):
        state = update(state)
    assert 0 < int(state.skipped) < SPIKE_HISTORY // 8


def test_carrying_on_another_kind_of_optimizer_state_is_refused(phase, child):
    with pytest.raises(UserError, match="skip_spikes"):
        dataclasses.replace(child, optimizer=Optimizer(skip_spikes=6.0))
    dataclasses.replace(child, optimizer=Optimizer(skip_spikes=6.0), optimizer_state="reset")
