"""Training that starts from parameters made elsewhere."""

import dataclasses
import os
from pathlib import Path

import jax
import numpy as np
import pytest

from code_ablate.data.mixing import Mixture
from code_ablate.errors import UserError
from code_ablate.identity import to_plain
from code_ablate.interop.import_weights import import_weights
from code_ablate.model.config import MeshConfig
from code_ablate.model.sharding import make_mesh
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.loop import start_of_phase, train
from code_ablate.training.phase import describe, phase_from_plain, phase_identity
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.step import abstract_state, initial_state
from code_ablate.training.weights import Weights, weights_in
from code_ablate.training.weights_arrays import load_weights, save_weights
from tests.conftest import TINY


def run_of(phase, stores, folder) -> RunDirectory:
    return RunDirectory.of(folder, phase, phase_identity(phase, stores.identities, stores.tokens))


@pytest.fixture
def params(phase):
    return initial_state(TINY, phase.optimizer, 7, make_mesh(MeshConfig())).params


@pytest.fixture
def weights(params, tmp_path):
    folder = tmp_path / "weights"
    return save_weights(folder, TINY, params, vocabulary="fake", source="a test")


@pytest.fixture
def begun(phase, weights):
    """A phase that starts from the weights."""
    return dataclasses.replace(phase, weights=weights)


def assert_equal(one, other) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_they_are_read_as_they_were_written(weights, params):
    assert weights_in(weights.folder) == weights
    assert_equal(load_weights(weights, TINY, make_mesh(MeshConfig())), params)


def test_a_phase_starts_from_them_with_new_moments(begun, params):
    mesh = make_mesh(MeshConfig())
    state = start_of_phase(begun, None, mesh)
    assert_equal(state.params, params)
    assert_equal(state.moments, initial_state(TINY, begun.optimizer, 0, mesh).moments)


def test_the_identity_holds_their_digest_and_not_their_folder(phase, begun, weights, stores):
    names = stores.identities
    assert "weights" not in describe(phase, names)
    assert describe(begun, names) == {**describe(phase, names), "weights": weights.digest}
    elsewhere = dataclasses.replace(begun, weights=Weights("elsewhere", weights.digest))
    assert phase_identity(elsewhere, names) == phase_identity(begun, names)
    others = dataclasses.replace(begun, weights=Weights(weights.folder, "other"))
    assert phase_identity(others, names) != phase_identity(begun, names)


def test_a_chain_has_the_weights_of_its_first_phase(begun, child, weights, stores):
    later = dataclasses.replace(begun, parent=begun, mixture=Mixture.of({"a": 1.0}))
    assert "weights" not in {**describe(later, stores.identities), "parent": None}
    assert describe(later, stores.identities)["parent"]["weights"] == weights.digest
    with pytest.raises(UserError, match="a phase starts from one of the two"):
        dataclasses.replace(child, weights=weights)


def test_the_phase_of_a_run_knows_its_weights(begun, child):
    assert phase_from_plain(to_plain(begun)) == begun
    plain = to_plain(child)
    del plain["weights"], plain["parent"]["weights"]  # as runs were before there were any
    assert phase_from_plain(plain) == child


def test_what_was_trained_goes_on_from_them_alone(begun, stores, tmp_path):
    """Weights of a run's last step, imported: a phase starts where that run ended."""
    first = dataclasses.replace(begun, weights=None)
    run = run_of(first, stores, tmp_path / "runs")
    train(first, stores, run)
    taken = import_weights(run.path, tmp_path / "taken")
    mesh = make_mesh(MeshConfig())
    with Checkpoints(run.checkpoints, read_only=True) as checkpoints:
        _, state, _ = checkpoints.restore(abstract_state(TINY, first.optimizer, mesh))
    assert_equal(load_weights(taken, TINY, mesh), state.params)
    second = dataclasses.replace(begun, weights=taken, mixture=Mixture.of({"b": 1.0}))
    status = train(second, stores, run_of(second, stores, tmp_path / "others"))
    assert status["state"] == "complete"
    fresh = dataclasses.replace(second, weights=None)
    from_seed = train(fresh, stores, run_of(fresh, stores, tmp_path / "others"))
    assert status["final_loss"] < from_seed["final_loss"]


def refusal(phase, stores, folder) -> str:
    with pytest.raises(UserError) as refused:
        train(phase, stores, run_of(phase, stores, folder))
    return str(refused.value)


def test_weights_of_another_model_or_vocabulary_are_refused(begun, stores, params, tmp_path):
    wider = dataclasses.replace(TINY, feed_forward=64)
    assert "feed_forward: 32 -> 64" in refusal(
        dataclasses.replace(begun, model=wider), stores, tmp_path
    )
    foreign = save_weights(tmp_path / "w", TINY, params, vocabulary="theirs", source="a test")
    other = dataclasses.replace(begun, weights=foreign)
    assert "are of the vocabulary theirs, and the token stores of fake" in refusal(
        other, stores, tmp_path
    )
    dtype = dataclasses.replace(TINY, compute_dtype="bfloat16")  # how, not which
    train(dataclasses.replace(begun, model=dtype), stores, run_of(
        dataclasses.replace(begun, model=dtype), stores, tmp_path
    ))  # fmt: skip


def test_other_or_damaged_weights_are_refused(begun, stores, tmp_path):
    named = dataclasses.replace(begun.weights, digest="0123456789abcdef")
    assert "holds other weights" in refusal(
        dataclasses.replace(begun, weights=named), stores, tmp_path
    )
    folder = Path(begun.weights.folder) / "params"
    data = max((file for file in folder.rglob("*") if file.is_file()), key=os.path.getsize)
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    assert "are damaged" in refusal(begun, stores, tmp_path)


def test_a_folder_without_weights_says_how_to_make_them(tmp_path, params):
    with pytest.raises(UserError, match=r"is missing.*code-ablate import SOURCE"):
        weights_in(str(tmp_path))
    (tmp_path / "something").touch()
    with pytest.raises(UserError, match="is not empty"):
        save_weights(tmp_path, TINY, params, vocabulary="v", source="a test")


def test_a_store_of_another_kind_has_no_weights():
    with pytest.raises(UserError, match=r"weights_in\.folder"):
        weights_in("s3://bucket/weights")
