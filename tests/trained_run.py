"""A tiny run on a few sentences, as the tests of what leaves the project need it.

The fixtures are imported by the conftest.py of such tests, which say in `run_steps` how long it is
trained.
"""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from code_ablate.cli import main
from code_ablate.data.mixing import Mixture
from code_ablate.data.preparing.vocabulary_training import train_model
from code_ablate.data.store import Stores
from code_ablate.data.vocabulary import Vocabulary, load_vocabulary
from code_ablate.model.config import ModelConfig
from code_ablate.training.loop import train
from code_ablate.training.phase import Optimizer, Phase, Schedule, phase_identity
from code_ablate.training.rundir import RunDirectory
from tests.conftest import FakeManifest, FakeStore

REPOSITORY = Path(__file__).parents[1]
VOCABULARY_SIZE = 1024
MODEL = ModelConfig(32, 2, heads=4, head_dim=8, feed_forward=64, vocabulary_size=1024, kv_heads=2)
SEQ_LEN = 256

# Learnt by heart within a few steps: what the run answers greedily is known, by a wide margin.
SENTENCES = {
    "def read(": "path, mode):",
    "import": "os, sys, json",
    "The vocabulary is": "made from a sample of the mixture.",
    "for index in": "range(count):",
    "Every window": "has one corpus only.",
    "return": "self.tokens[start:end]",
}


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """Folder of its vocabulary."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def vocabulary(data_dir):
    """The vocabulary of the run."""
    return make_vocabulary(data_dir)


@pytest.fixture(scope="session")
def run(vocabulary, run_steps, tmp_path_factory):
    """A complete run with grouped-query attention."""
    return make_run(tmp_path_factory.mktemp("runs"), vocabulary, run_steps)


@pytest.fixture(scope="session")
def exported(run, data_dir, tmp_path_factory):
    """The run as `code-ablate export` writes it."""
    out = tmp_path_factory.mktemp("exported") / "model"
    options = ["--format", "huggingface", "--out", str(out), "--data", str(data_dir)]
    assert main(["export", str(run.path), *options]) == 0
    return out


def texts() -> list[str]:
    """Prose and code of this repository."""
    files = [REPOSITORY / "README.md", *sorted(REPOSITORY.glob("code_ablate/data/**/*.py"))]
    return [file.read_text() for file in files]


def make_vocabulary(data_dir: Path) -> Vocabulary:
    """Trains one and puts it where the commands look for it."""
    path = data_dir / "vocabularies" / "small-0123456789ab.model"
    path.parent.mkdir(parents=True)
    path.write_bytes(train_model(texts(), VOCABULARY_SIZE))
    return load_vocabulary(path)


def make_run(runs_dir: Path, vocabulary: Vocabulary, steps: int) -> RunDirectory:
    """Trains MODEL on the sentences, in ever new order."""
    store = FakeStore(0, 1, vocabulary.size)
    lines = [f"{start} {end}\n" for start, end in SENTENCES.items()]
    order = np.random.default_rng(0)
    documents = ["".join(order.permutation(lines)) for _ in range(steps * 16)]
    ended = [np.append(ids, vocabulary.eos_id) for ids in vocabulary.encode(documents)]
    store.tokens = np.concatenate(ended).astype(np.int32)
    digest = hashlib.sha256(store.tokens.tobytes()).hexdigest()
    store.manifest = FakeManifest(digest, vocabulary.info)
    phase = Phase(
        mixture=Mixture.of({"sentences": 1.0}),
        tokens=steps * 4 * SEQ_LEN,
        model=MODEL,
        optimizer=Optimizer(),
        schedule=Schedule(peak=1e-2, final=1e-3, warmup_steps=5),
        batch_windows=4,
        seq_len=SEQ_LEN,
        seed=0,
    )
    stores = Stores({"sentences": store})
    run = RunDirectory.of(runs_dir, phase, phase_identity(phase, stores.identities, stores.tokens))
    train(phase, stores, run)
    return run
