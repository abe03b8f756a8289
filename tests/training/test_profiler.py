import gzip
import json

import jax
import jax.numpy as jnp
import pytest

from code_ablate.errors import UserError
from code_ablate.training.profiler import STEP_NAME, ProfileConfig, Profiler


@jax.jit
def tiny_train_step(x):
    return jnp.tanh(x @ x)


def train(profiler, steps, fail_at=None):
    x = jnp.eye(8)
    for step in range(steps):
        profiler.before(step)
        if step == fail_at:
            raise OSError("disk full")
        x = tiny_train_step(x)
        profiler.after(step, {"loss": x})


def traced_steps(run):
    """Numbers of the steps in the one trace of this run."""
    (file,) = (run / "profile").rglob("*.trace.json.gz")
    assert list((run / "profile").rglob("*.xplane.pb"))
    events = json.loads(gzip.decompress(file.read_bytes()))["traceEvents"]
    assert any("tiny_train_step" in event.get("name", "") for event in events)
    return [int(e["args"]["step_num"]) for e in events if e.get("name") == STEP_NAME]


def test_the_trace_holds_the_steps_asked_for(tmp_path):
    with Profiler(ProfileConfig(first_step=2, steps=3), tmp_path) as profiler:
        train(profiler, 8)
    assert traced_steps(tmp_path) == [2, 3, 4]


def test_a_trace_is_kept_when_training_ends_or_fails_within_it(tmp_path):
    with Profiler(ProfileConfig(first_step=0, steps=9), tmp_path / "ends") as profiler:
        train(profiler, 2)
    assert traced_steps(tmp_path / "ends") == [0, 1]
    config = ProfileConfig(first_step=1)
    with pytest.raises(OSError), Profiler(config, tmp_path / "fails") as profiler:
        train(profiler, 8, fail_at=2)
    assert traced_steps(tmp_path / "fails") == [1, 2]
    with Profiler(config, tmp_path / "after") as profiler:  # the failed one is not in the way
        train(profiler, 8)
    assert traced_steps(tmp_path / "after") == [1, 2, 3]


@pytest.mark.parametrize(
    ("config", "write"),
    [(ProfileConfig(), True), (ProfileConfig(first_step=1), False), (ProfileConfig(9), True)],
    ids=["not asked for", "another process", "never reached"],
)
def test_without_a_trace_nothing_is_written(tmp_path, config, write):
    with Profiler(config, tmp_path, write=write) as profiler:
        train(profiler, 4)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_done_is_refused():
    with pytest.raises(UserError, match="first_step is -1"):
        ProfileConfig(first_step=-1)
    with pytest.raises(UserError, match="steps is 0"):
        ProfileConfig(steps=0)
    with pytest.raises(UserError, match="local folders only"):
        Profiler(ProfileConfig(first_step=1), "gs://bucket/runs/a")
    Profiler(ProfileConfig(), "gs://bucket/runs/a")
