"""Checkpoints of a run that are evaluated, resumed, followed, and deleted meanwhile."""

import dataclasses
import shutil
import threading

import jax
import numpy as np
import pandas as pd
import pytest

from code_ablate.errors import Failed, UserError
from code_ablate.evaluation.measure import Outcome
from code_ablate.evaluation.packing import Request
from code_ablate.evaluation.records import Key
from code_ablate.evaluation.suite import Part, Suite
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.identity import to_plain
from code_ablate.jobs import evaluate as evaluation
from code_ablate.model.config import MeshConfig
from code_ablate.model.sharding import make_mesh
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.step import initial_state
from code_ablate.training.trained import open_checkpoint

MESH = MeshConfig()


class Likelihood:
    """A measure of one item: bits of a few tokens."""

    work = 1

    def __init__(self):
        self.asked = 0

    def describe(self):
        return {"kind": "bits_per_byte", "items": 1, "available": 1, "cropped": 0}

    def evaluate(self, engine, advance):
        self.asked += 1
        bits = -engine.scorer.score([Request(np.arange(9, dtype=np.int32), 1)], advance)
        return Outcome(pd.DataFrame({"item": ["x"], "bits": bits, "bytes": [1.0]}), {})


@dataclasses.dataclass(frozen=True)
class NoVocabulary:
    digest: str = "fake"
    size: int = 256
    eos_id: int = 1


@pytest.fixture
def suite():
    parts = tuple(
        Part(Key(name, "0" * 16), "domains", None, Likelihood) for name in ("first", "second")
    )
    return Suite(SuiteConfig(tasks=("first", "second")), NoVocabulary(), parts, {})


def asked(suite):
    return [part.measure.asked for part in suite.parts]


class Training:
    """Stands for a process that trains: writes checkpoints of random parameters when told to."""

    def __init__(self, run, phase):
        self.run, self.phase, self.mesh = run, phase, make_mesh(MESH)
        run.write_config({}, to_plain(phase), "", vocabulary="fake", device="cpu")

    def checkpoint(self, step, scale=1.0):
        state = initial_state(self.phase.model, self.phase.optimizer, step, self.mesh)
        scaled = jax.tree.map(lambda leaf: leaf * scale, state.params["final_norm"])
        state = dataclasses.replace(state, params={**state.params, "final_norm": scaled})
        with Checkpoints(self.run.checkpoints, keep=2) as checkpoints:
            checkpoints.save(step, state, {"seconds": 0.0, "counts": {}})
        self.run.set_status("running", step=step, steps=self.phase.steps, seconds=0.0)

    def complete(self):
        self.run.set_status("complete", step=self.phase.steps, steps=self.phase.steps, seconds=0.0)


@pytest.fixture
def training(tmp_path, phase):
    return Training(RunDirectory.of(tmp_path / "runs", phase, "0f3c"), phase)


def bits(run, suite, step):
    return suite.result(evaluation.records_of(run, step)).items.bits.tolist()


def test_each_checkpoint_has_its_own_scores_and_none_is_computed_twice(training, suite):
    run = training.run
    for step in (5, 10):
        training.checkpoint(step)
        evaluation.evaluate_checkpoint(run, suite, MESH, step)
    first, second = bits(run, suite, 5), bits(run, suite, 10)
    assert first[0] == first[1] != second[0]
    shutil.rmtree(run.checkpoints / "5")
    evaluation.evaluate_checkpoint(run, suite, MESH, 5)  # reads no parameters: all is on record
    assert asked(suite) == [2, 2]
    # Killed before the second task was written:
    (run.evaluation(10) / f"{suite.parts[1].key.stem}.parquet").unlink()
    evaluation.evaluate_checkpoint(run, suite, MESH, 10)
    assert asked(suite) == [2, 3] and bits(run, suite, 10) == second


@pytest.mark.parametrize("scale", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused_by_name(training, suite, scale):
    run = training.run
    training.checkpoint(5, scale)
    with pytest.raises(UserError, match=r"the weights of step 5 of .* not finite .*final_norm"):
        evaluation.evaluate_checkpoint(run, suite, MESH, 5)
    assert asked(suite) == [0, 0]
    with pytest.raises(UserError, match="the weights of step 5 of"):  # as a judge, or exported
        open_checkpoint(run, NoVocabulary(), MESH, 5)


def test_which_checkpoints_are_meant(training, suite):
    run = training.run
    with pytest.raises(UserError, match="no checkpoint yet"):
        evaluation.asked_steps(run, suite, [])
    for step in (5, 10):
        training.checkpoint(step)
    assert evaluation.asked_steps(run, suite, []) == [10]
    assert evaluation.asked_steps(run, suite, [10, 5, 10]) == [5, 10]
    assert evaluation.asked_steps(run, suite, [], every=True) == [5, 10]
    with pytest.raises(UserError, match=r"no checkpoint at step 7 .*\[5, 10\]"):
        evaluation.asked_steps(run, suite, [7])
    evaluation.evaluate_checkpoint(run, suite, MESH, 5)
    shutil.rmtree(run.checkpoints / "5")
    assert evaluation.asked_steps(run, suite, [5]) == [5]


def test_a_run_is_followed_to_its_end(training, suite):
    run, said = training.run, []
    go_on, done = threading.Semaphore(0), threading.Semaphore(0)
    work = [
        lambda: training.checkpoint(5),
        # Two at once: the one that is evaluated first may be deleted, here it is not.
        lambda: (training.checkpoint(10), training.checkpoint(15)),
        lambda: run.set_status("interrupted", step=15, steps=20, seconds=0.0),
        lambda: (training.checkpoint(20), training.complete()),
    ]

    def train():
        for step in work:
            go_on.acquire()
            step()
            done.release()

    writer = threading.Thread(target=train, daemon=True)
    writer.start()

    def wait(message):
        said.append(message)
        go_on.release()
        assert done.acquire(timeout=1000)

    seen = []

    def evaluate(step):
        seen.append(step)
        evaluation.evaluate_checkpoint(run, suite, MESH, step)

    assert evaluation.follow(run, evaluate, wait) == {}
    writer.join(timeout=1000)
    assert seen == [5, 10, 15, 20] and asked(suite) == [4, 4]
    assert len(said) == 4 and "waiting for the next checkpoint" in said[1]
    assert "is not training (interrupted, step 15)" in said[3]
    # Again, as after Ctrl-C: what is there is on record, and it ends without waiting.
    evaluation.follow(
        run, lambda step: evaluation.evaluate_checkpoint(run, suite, MESH, step), wait
    )
    assert len(said) == 4 and asked(suite) == [4, 4]


def test_a_run_whose_process_was_killed_is_not_waited_for(training, suite):
    run = training.run
    with run.locked():
        training.checkpoint(5)

        def looked(message):  # it lives: the one who follows waits; then it is killed
            assert "waiting for the next checkpoint" in message
            raise InterruptedError

        with pytest.raises(InterruptedError):
            evaluation.follow(run, lambda step: None, looked)
        training.checkpoint(10)
    seen = []
    with pytest.raises(Failed, match=r"has ended without a word\. What it saved is evaluated"):
        evaluation.follow(run, seen.append, wait=None)
    assert seen == [5, 10]
    run.set_status("complete", step=20, steps=20)
    assert evaluation.follow(run, seen.append, wait=None) == {}


def test_a_damaged_table_is_evaluated_again(training, suite, capfd):
    run = training.run
    training.checkpoint(5)
    evaluation.evaluate_checkpoint(run, suite, MESH, 5)
    before = bits(run, suite, 5)
    table = run.evaluation(5) / f"{suite.parts[0].key.stem}.parquet"
    table.write_bytes(table.read_bytes()[:-9])
    (run.evaluation(5) / f"{suite.parts[1].key.stem}.json").unlink()
    evaluation.evaluate_checkpoint(run, suite, MESH, 5)
    assert asked(suite) == [2, 2] and bits(run, suite, 5) == before
    said = capfd.readouterr().err
    assert "first counts as not evaluated" in said and "second counts as not evaluated" in said


def test_a_checkpoint_of_another_model_is_not_taken_for_a_deleted_one(training, suite):
    run, phase = training.run, training.phase
    for step in (5, 10):
        training.checkpoint(step)
    deeper = dataclasses.replace(phase.model, layers=phase.model.layers + 1)
    other = to_plain(dataclasses.replace(phase, model=deeper))
    run.write_config({}, other, "", vocabulary="fake", device="cpu")
    with pytest.raises(UserError, match="another model or optimizer") as refused:
        evaluation.evaluate_checkpoint(run, suite, MESH, 5)
    assert not isinstance(refused.value, evaluation.CheckpointGone)


def test_a_checkpoint_that_is_deleted_before_it_is_read_is_skipped(training, suite):
    run = training.run
    training.checkpoint(5)

    def evaluate(step):
        if step == 5:  # meanwhile training goes on, and keeps two
            for later in (10, 15, 20):
                training.checkpoint(later)
            training.complete()
        evaluation.evaluate_checkpoint(run, suite, MESH, step)

    skipped = evaluation.follow(run, evaluate, wait=None)
    assert list(skipped) == [5] and "no checkpoint at step 5" in skipped[5]
    assert asked(suite) == [2, 2]  # 15 and 20
    shutil.rmtree(run.checkpoints / "20" / "params")
    shutil.rmtree(run.evaluation(20))
    with pytest.raises(UserError, match="damaged") as newest:  # the newest is never deleted
        evaluation.evaluate_checkpoint(run, suite, MESH, 20)
    assert not isinstance(newest.value, evaluation.CheckpointGone)
