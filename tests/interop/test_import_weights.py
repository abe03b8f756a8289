"""The way of a model out of this project and back into a study."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from code_ablate.cli import main
from code_ablate.data.mixing import Mixture
from code_ablate.data.store import Stores
from code_ablate.errors import UserError
from code_ablate.interop.import_weights import import_weights
from code_ablate.training.loop import train
from code_ablate.training.phase import phase_identity
from code_ablate.training.rundir import RunDirectory, phase_of_run
from code_ablate.training.weights import read_record, weights_in
from tests.conftest import FakeManifest, FakeStore


def test_a_run_and_its_export_are_the_same_weights(run, exported, tmp_path, capsys):
    assert main(["import", str(exported), "--out", str(tmp_path / "theirs")]) == 0
    assert "weights_in.folder" in capsys.readouterr().out
    theirs = weights_in(str(tmp_path / "theirs"))
    ours = import_weights(run.path, tmp_path / "ours")
    assert theirs.digest == ours.digest
    assert read_record(ours.folder).vocabulary == run.config["vocabulary"]
    assert read_record(theirs.folder).vocabulary != run.config["vocabulary"]


def test_an_imported_model_is_trained_on_a_new_mixture(run, exported, tmp_path):
    weights = import_weights(exported, tmp_path / "theirs")
    store = FakeStore(3, 60_000, 1024)
    vocabulary = {"digest": read_record(weights.folder).vocabulary, "size": 1024, "eos_id": 1}
    store.manifest = FakeManifest("new", vocabulary)
    stores = Stores({"new": store})
    first = phase_of_run(str(run.path))
    phase = dataclasses.replace(first, mixture=Mixture.of({"new": 1.0}), weights=weights)
    identity = phase_identity(phase, stores.identities, stores.tokens)
    status = train(phase, stores, RunDirectory.of(tmp_path / "runs", phase, identity))
    assert status["state"] == "complete"


def test_what_is_no_model_is_refused(exported, tmp_path):
    with pytest.raises(UserError, match="is not a run directory"):
        import_weights(tmp_path, tmp_path / "out")
    with pytest.raises(UserError, match=r"leave out --step"):
        import_weights(exported, tmp_path / "out", step=3)
    copy = shutil.copytree(exported, tmp_path / "copy")
    tensors = load_file(copy / "model.safetensors")
    name = next(iter(tensors))
    tensors[name] = np.full_like(tensors[name], np.nan)
    save_file(tensors, copy / "model.safetensors")
    with pytest.raises(UserError, match="not finite"):
        import_weights(copy, tmp_path / "out")
    (copy / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"has no tokenizer\.json"):
        import_weights(copy, tmp_path / "out")
    other = shutil.copytree(exported, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "model_type": "llama"}))
    with pytest.raises(UserError, match="model_type"):
        import_weights(other, tmp_path / "out")
    assert not (tmp_path / "out").exists()
