"""Phases trained at the same time: in which order, what a failure stops, and what a signal does."""

import os
import signal
import threading

import pytest

from code_ablate.errors import Failed, Interrupted
from code_ablate.study.executor import execute
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.phase_order import Order, shape


@pytest.fixture
def graph(study, many_stores):
    return PhaseGraph.of(study, many_stores.identities)


class Trainer:
    """Notes what it is given. A call waits until `at_once` go on, or the others have waited."""

    def __init__(self, at_once=1, together=1, failing=(), error=None):
        self.at_once, self.together = at_once, together
        self.failing, self.error = set(failing), error
        self.begun, self.done, self.most = [], [], 0
        self._under_way, self._lock = 0, threading.Lock()
        self._meet = threading.Barrier(at_once)
        self.stopped = threading.Event()

    def train(self, works):
        with self._lock:
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            for work in works:
                assert work.parent is None or work.parent in self.done
                self.begun.append(work.identity)
        try:
            self._meet.wait(0.2)
        except threading.BrokenBarrierError:
            self._meet.reset()
        with self._lock:
            self._under_way -= 1
            if self.error and len(self.begun) > 3:
                raise self.error
            broken = [work.identity for work in works if work.identity in self.failing]
            self.done += [work.identity for work in works if work.identity not in broken]
        return {identity: Failed(f"{identity} broke") for identity in broken}

    def stop(self):
        self.stopped.set()


@pytest.mark.parametrize("at_once", [1, 3])
def test_each_phase_is_trained_once_after_its_parent_and_arms_are_evaluated(graph, at_once):
    trainer, evaluated = Trainer(at_once), []

    def evaluate(work):
        assert work.identity in trainer.done
        evaluated.append(work.identity)

    execute(graph, trainer, evaluate)
    assert sorted(trainer.begun) == sorted(graph.phases)
    assert sorted(evaluated) == sorted(graph.evaluated)
    assert trainer.most == at_once


def test_a_group_is_of_one_shape_and_at_most_as_large_as_asked(graph):
    order, groups = Order.of(graph, together=3), []
    while group := order.take():
        groups.append(group)
        order.note(group, {})
    assert sum(map(len, groups)) == len(graph.phases)
    assert max(map(len, groups)) == 3
    for group in groups:
        assert len({shape(work.phase) for work in group}) == 1


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_phase_that_fails_stops_only_what_starts_from_it(graph, at_once):
    broken = next(parent for parent in graph.parents.values() if parent)
    trainer, evaluated = Trainer(at_once, failing={broken}), []
    with pytest.raises(Failed, match="broke") as failed:
        execute(graph, trainer, lambda work: evaluated.append(work.identity))
    gone = {broken}
    for identity, parent in graph.parents.items():
        gone |= {identity} if parent in gone else set()
    assert sorted(trainer.done) == sorted(set(graph.phases) - gone)
    assert sorted(evaluated) == sorted(set(graph.evaluated) - gone)
    assert f"they start from there: {len(gone) - 1} phases" in str(failed.value)


@pytest.mark.parametrize("at_once", [1, 2])
def test_another_error_ends_everything(graph, at_once):
    trainer = Trainer(at_once, error=ZeroDivisionError("a mistake"))
    with pytest.raises(ZeroDivisionError, match="a mistake"):
        execute(graph, trainer, lambda work: None)
    assert len(trainer.begun) < len(graph.phases)
    assert trainer.stopped.is_set() == (at_once > 1)


class Patient(Trainer):
    """Its calls after the third go on until they are stopped."""

    def train(self, works):
        if len(self.begun) >= 3:
            assert self.stopped.wait(60)
            raise Interrupted(f"{works[0]} is saved")
        return super().train(works)


def test_an_evaluation_that_fails_stops_training(graph):
    trainer = Patient(2)

    def evaluate(work):
        raise ZeroDivisionError("a mistake")

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        execute(graph, trainer, evaluate)
    assert 0 < len(trainer.begun) < len(graph.phases)


class AskedToStop(Patient):
    """This process is sent a signal while the fourth phase is trained."""

    def train(self, works):
        if len(self.begun) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().train(works)


def test_a_signal_stops_what_is_under_way_and_begins_nothing_new(graph):
    trainer = AskedToStop(2)
    with pytest.raises(Interrupted, match="is saved"):
        execute(graph, trainer, lambda work: None)
    assert len(trainer.begun) < len(graph.phases)
