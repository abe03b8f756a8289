import re

import jax.numpy as jnp
import numpy as np
import pytest

from code_ablate.model.flops import flops_per_token
from code_ablate.training import metrics
from code_ablate.training.clock import CATEGORIES, Clock
from code_ablate.training.metrics import Meter
from code_ablate.training.reading import phase_stream
from tests.conftest import fake_stores

STORES = fake_stores()
WINDOWS = STORES.windows(16)
A, B, C = 0, 1, 2


class Hands:
    time = 0.0

    def __call__(self):
        return self.time


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def clock(hands):
    return Clock(now=hands)


def meter_of(phase, clock, **kwargs):
    return Meter(phase, phase_stream(phase, STORES), WINDOWS, clock, **kwargs)


def result(loss_B, grad_norm=1.0, **more):
    loss_B = jnp.array(loss_B)
    return {"loss": loss_B.mean(), "loss_B": loss_B, "grad_norm": jnp.array(grad_norm), **more}


def test_loss_of_each_corpus_is_that_of_its_windows(phase, clock):
    meter = meter_of(phase, clock)
    meter.add(result([1.0, 2.0, 3.0, 6.0], grad_norm=0.5), np.array([A, A, B, A]))
    meter.add(result([1.0, 1.0, 5.0, 1.0], grad_norm=1.5), np.array([A, B, B, A]))
    line = meter.line(2)
    assert line["loss"] == pytest.approx(20 / 8)
    assert line["grad_norm"] == pytest.approx(1.0)
    assert line["loss/a"] == pytest.approx((1 + 2 + 6 + 1 + 1) / 5)
    assert line["loss/b"] == pytest.approx((3 + 1 + 5) / 3)
    assert "loss/c" not in line
    assert line["learning_rate"] == phase.learning_rate(1)
    meter.add(result([9.0] * 4), np.array([C] * 4))
    line = meter.line(3)  # only what was added since
    assert line["loss"] == line["loss/c"] == 9.0 and "loss/a" not in line


def test_tokens_and_epochs_of_each_corpus(phase, child, clock):
    steps, T = phase.steps, phase.seq_len
    meter = meter_of(child, clock)
    meter.add(result([1.0] * 4), np.array([A] * 4))
    line = meter.line(child.steps)
    stream = phase_stream(child, STORES)
    here = stream.counts(child.steps * 4)
    before = phase_stream(phase, STORES).counts(steps * 4)
    assert set(here) == {"a", "c"} and sum(here.values()) == 20
    for corpus in here:
        assert line[f"tokens/{corpus}"] == here[corpus] * T
        assert line[f"share/{corpus}"] == here[corpus] / 20
        read = here[corpus] + before[corpus]
        assert line[f"epochs/{corpus}"] == read / WINDOWS[corpus]
        assert line[f"unique/{corpus}"] == read * T
    assert (line["requested/a"], line["requested/c"]) == (0.9, 0.1)
    assert line["tokens"] == 20 * T


def test_speed_and_utilisation_leave_pauses_out(phase, clock, hands):
    meter = meter_of(phase, clock, peak_flops=1e9)
    for _ in range(2):
        with clock.waiting("data"):
            hands.time += 0.5
        hands.time += 1.5
        meter.add(result([1.0] * 4), np.array([A] * 4))
    with clock.waiting("checkpoint"):
        hands.time += 10
    with clock.waiting("evaluation"):
        hands.time += 20
    line = meter.line(2)
    assert line["tokens_per_second"] == 2 * 4 * 16 / 4.0
    assert line["mfu"] == pytest.approx(32 * flops_per_token(phase.model, 16) / 1e9)
    waits = {name: line[f"seconds/{name}"] for name in CATEGORIES}
    assert waits == {
        "compute": 3.0, "data": 1.0, "checkpoint": 10.0, "evaluation": 20.0, "startup": 0.0
    }  # fmt: skip
    assert line["seconds"] == sum(waits.values()) == 34.0
    # Eighteen more steps; saves and evaluations will come again, so they count.
    assert line["seconds_left"] == 18 * 34.0 / 2


def test_the_step_that_ends_the_startup_is_not_timed(phase, hands):
    clock = Clock(now=hands)
    clock.carry(1000.0)
    meter = meter_of(phase, clock, peak_flops=1e9)
    with clock.waiting("startup"):
        hands.time += 60
        meter.add(result([1.0] * 4), np.array([A] * 4), startup=True)
    first = meter.line(1)
    assert not {"tokens_per_second", "mfu", "seconds_left"} & set(first)
    assert first["seconds/startup"] == 60 and first["seconds"] == 1060
    hands.time += 2
    meter.add(result([1.0] * 4), np.array([A] * 4))
    second = meter.line(2)
    assert second["tokens_per_second"] == 4 * 16 / 2
    assert second["seconds/startup"] == 0 and second["seconds"] == 1062
    assert second["seconds_left"] == 18 * 2.0
    # In one line together, the speed is still that of the timed step.
    clock = Clock(now=hands)
    meter = meter_of(phase, clock)
    with clock.waiting("startup"):
        hands.time += 60
    meter.add(result([1.0] * 4), np.array([A] * 4), startup=True)
    hands.time += 2
    meter.add(result([1.0] * 4), np.array([A] * 4))
    assert meter.line(2)["tokens_per_second"] == 4 * 16 / 2


def test_without_a_known_peak_there_is_no_utilisation(phase, clock, hands):
    meter = meter_of(phase, clock)
    hands.time += 1
    meter.add(result([1.0] * 4), np.array([A] * 4))
    line = meter.line(1)
    assert "mfu" not in line and line["tokens_per_second"] == 64


def test_skipped_steps_are_those_of_the_last_step(phase, clock):
    meter = meter_of(phase, clock)
    for skipped in (1, 3):
        meter.add(result([1.0] * 4, skipped_steps=jnp.array(skipped)), np.array([A] * 4))
    assert meter.line(2)["skipped_steps"] == 3
    meter.add(result([1.0] * 4), np.array([A] * 4))
    assert "skipped_steps" not in meter.line(3)


def test_every_name_is_documented(phase, clock, hands):
    meter = meter_of(phase, clock, peak_flops=1e9)
    hands.time += 1
    meter.add(result([1.0] * 4, skipped_steps=jnp.array(0)), np.array([A, B, C, A]))
    logged = {re.sub(r"/[abc]$", "/CORPUS", name) for name in meter.line(1)}
    table = metrics.__doc__.partition("Every name that is logged:")[2]
    documented = {
        name
        for entry in re.findall(r"^  (\S.*)$", table, re.MULTILINE)
        for name in re.split(", *", re.split(r"\s{2,}", entry)[0])
    }
    assert documented == logged
