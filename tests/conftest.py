"""What several test modules need: token stores without TensorFlow, and a tiny phase."""

import dataclasses
import io
import os
import sys
from pathlib import Path

# Before JAX is imported anywhere: tests that need several devices run in processes of their own.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The same tiny programs are compiled in many tests and in the processes they start: once is enough.
# What else is kept between processes stays out of the user's own folder, as it does.
os.environ.update(
    {
        variable: str(Path(__file__).resolve().parents[1] / ".pytest_cache" / folder)
        for variable, folder in (
            ("JAX_COMPILATION_CACHE_DIR", "xla"),
            ("XDG_CACHE_HOME", "cache"),  # of code_ablate.data.remembered
            ("MPLCONFIGDIR", "matplotlib"),
            ("KERAS_HOME", "keras"),  # TensorFlow imports Keras
            ("IPYTHONDIR", "ipython"),
        )
        if variable not in os.environ
    }
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import code_ablate
from code_ablate.data.mixing import Mixture
from code_ablate.data.store import Stores
from code_ablate.model.config import ModelConfig
from code_ablate.training.phase import Optimizer, Phase, Schedule

# Neither limit is about the code: a busy machine passes both.
settings.register_profile("any load", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any load")


def pytest_collection_modifyitems(config, items):
    """The slowest files first where workers share them, so that none waits for another's last."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def files_are_utf8():
    """Fails where our code reads or writes a file in the locale's encoding; no lint sees paths."""
    ours, ask = Path(code_ablate.__file__).parent, io.text_encoding

    def text_encoding(encoding, stacklevel=2):
        caller = sys._getframe(2).f_code.co_filename  # of a method of pathlib.Path
        assert encoding or ours not in Path(caller).parents, f"say encoding='utf-8' in {caller}"
        return ask(encoding, stacklevel + 1)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(io, "text_encoding", text_encoding)
        yield


@dataclasses.dataclass(frozen=True)
class FakeManifest:
    identity: str
    vocabulary: dict


class FakeStore:
    """A token store in memory. Its tokens are a function of its seed."""

    def __init__(self, seed: int, tokens: int, vocabulary: int = 256):
        # A sixteenth of the vocabulary: something that a model can learn in a few steps.
        self.tokens = np.random.default_rng(seed).integers(0, 16, tokens).astype(np.int32)
        self.manifest = FakeManifest(
            f"store-{seed}-{tokens}", {"digest": "fake", "size": vocabulary, "eos_id": 1}
        )

    def num_tokens(self, split="train"):
        return len(self.tokens)

    def num_windows(self, seq_len, split="train"):
        return max(0, len(self.tokens) - 1) // seq_len

    def read_windows(self, indices, seq_len, split="train"):
        return np.stack([self.tokens[i * seq_len : i * seq_len + seq_len + 1] for i in indices])


TINY = ModelConfig(d_model=16, layers=2, heads=2, head_dim=8, feed_forward=32, vocabulary_size=256)


def fake_stores():
    return Stores({"a": FakeStore(1, 4001), "b": FakeStore(2, 3001), "c": FakeStore(3, 2001)})


@pytest.fixture
def stores():
    return fake_stores()


@pytest.fixture
def phase():
    """20 steps of 4 windows of 16 tokens, from initialisation."""
    return Phase(
        mixture=Mixture.of({"a": 0.5, "b": 0.3, "c": 0.2}),
        tokens=20 * 4 * 16,
        model=TINY,
        optimizer=Optimizer(),
        schedule=Schedule(peak=1e-2, final=1e-3, warmup_steps=3),
        batch_windows=4,
        seq_len=16,
        seed=0,
    )


@pytest.fixture
def child(phase):
    """A cooldown after `phase`."""
    return dataclasses.replace(
        phase,
        parent=phase,
        name="cooldown",
        mixture=Mixture.of({"a": 0.9, "c": 0.1}),
        tokens=5 * 4 * 16,
        schedule=Schedule(shape="linear", start="carry", final=1e-6),
    )
