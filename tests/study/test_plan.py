import dataclasses
import math

import pytest

from code_ablate.data.store import Stores
from code_ablate.errors import UserError
from code_ablate.identity import to_plain
from code_ablate.model.flops import flops_per_token
from code_ablate.study import hardware
from code_ablate.study import plan as plan_module
from code_ablate.study.fleet_plan import makespan
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.hardware import Hardware
from code_ablate.study.plan import make_plan
from code_ablate.study.plan_text import plan_text
from code_ablate.study.recipes import text_only
from code_ablate.training.devices import device_name
from code_ablate.training.execution import FleetConfig
from code_ablate.training.rundir import RunDirectory
from tests.conftest import FakeStore
from tests.study.conftest import MODEL
from tests.study.test_graph import larger, quality

HARDWARE = Hardware("v5e", chips=8, expected_mfu=0.5, peak_flops=1e12)


def test_the_plan_counts_and_refuses(study, many_stores, tmp_path):
    plan = make_plan(study, many_stores, HARDWARE, tmp_path)
    assert sum(row.tokens for row in plan.phases) == 2 * (400 * 6 + 40 * 4) * 64
    assert not plan.problems
    text = plan_text(plan)
    assert "text_only/0, code_0/0 (shared)" in text
    assert "8 x v5e" in text
    assert "80% web + 20% markup" not in text
    assert "100% text; learning rate 0.001 to 0.0001" in text  # from the peak, not its first step
    corpora = {row.corpus: row for row in plan.corpora}
    assert corpora["text"].requested == (400 + 32) * 64
    assert corpora["text"].epochs == pytest.approx(1728 / 7499, rel=1e-3)
    assert plan.phases[0].seconds == pytest.approx(plan.phases[0].flops / (8 * 1e12 * 0.5))

    small = Stores({**many_stores, "text": FakeStore(0, 2000, 300)})
    plan = make_plan(study, small, HARDWARE, tmp_path)
    with pytest.raises(UserError, match=r"would read 'text'.*max_epochs"):
        plan.refuse_if_impossible()
    assert "PROBLEM" in plan_text(plan)

    unknown = plan_text(make_plan(study, Stores({}), HARDWARE, tmp_path))
    assert "not prepared" in unknown


def test_a_recipe_of_another_model_is_planned_with_its_own(study, many_stores, tmp_path):
    study = dataclasses.replace(study, recipes=(text_only, larger))
    plan = make_plan(study, many_stores, HARDWARE, tmp_path)
    flops = {row.used_by[0].partition("/")[0]: row.flops for row in plan.phases if not row.parent}
    wide = dataclasses.replace(MODEL, d_model=64, layers=4)
    assert flops["text_only"] == flops_per_token(MODEL, 16) * 400 * 64
    assert flops["larger"] == flops_per_token(wide, 16) * 400 * 64
    assert flops["larger"] > 5 * flops["text_only"]
    for row in plan.phases:
        assert row.seconds == pytest.approx(row.flops / (8 * 1e12 * 0.5))
    text = plan_text(plan)
    assert "60.5K" in text and "9.97K" in text and len(plan.speeds) == 2


def test_the_plan_says_the_share_of_every_group(study, many_stores, tmp_path):
    groups = {"code": ("web", "markup", "synthetic"), "synthetic": ("synthetic",)}
    study = dataclasses.replace(study, recipes=(text_only, quality), groups=groups)
    plan = make_plan(study, many_stores, HARDWARE, tmp_path)
    shares = {row.recipe: row.shares for row in plan.shares if row.stage == "pretraining"}
    assert shares == {
        "text_only": {"code": 0, "synthetic": 0},
        "quality": {"code": 0.5, "synthetic": 0.5},
    }
    assert "in no group: text" in plan_text(plan)


def test_epochs_are_those_of_the_arm_with_most_at_its_own_sequence_length(
    study, setting, many_stores, tmp_path
):
    longer = dataclasses.replace(setting, seq_len=32, batch_windows=2, size="longer")
    both = dataclasses.replace(study, settings=(setting, longer))
    plan = make_plan(both, many_stores, HARDWARE, tmp_path)
    text = {row.corpus: row for row in plan.corpora}["text"]
    windows = many_stores["text"].num_windows
    assert text.epochs == max(1728 / windows(16), 864 / windows(32))


@pytest.mark.parametrize("change", [{"chips": 0}, {"expected_mfu": 1.5}, {"peak_flops": 0.0}])
def test_impossible_hardware_is_refused(change):
    with pytest.raises(UserError, match=r"Hardware"):
        Hardware(**change)


def test_without_jax_the_time_is_unknown_and_said_to_be(study, many_stores, tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "device_here", lambda *_: None)
    monkeypatch.setattr(plan_module, "device_here", lambda *_: None)
    text = plan_text(make_plan(study, many_stores, Hardware(), tmp_path))
    assert "training time   unknown" in text and "JAX is not installed" in text
    assert "nan" not in text


def test_the_plan_says_what_is_trained_side_by_side(study, many_stores, tmp_path, monkeypatch):
    monkeypatch.setattr("code_ablate.study.trainers.available_cores", lambda: set(range(4)))

    def plan():
        return make_plan(study, many_stores, Hardware(), tmp_path, fleet=FleetConfig(4))

    graph = PhaseGraph.of(study, many_stores.identities, many_stores.tokens)
    first, *others = plan().phases
    assert math.isnan(plan().fleet.seconds)
    roots = [phase.steps for name, phase in graph.phases.items() if graph.parents[name] is None]
    first_wave = f"4 phases at a time: {roots.count(400)} x pretraining (400 steps)"
    assert first_wave in plan_text(plan())
    assert "no such run was measured here yet" in plan_text(plan())

    def record(device, speed, row):
        run = RunDirectory.of(tmp_path, graph.phases[row.identity], row.identity)
        phase = to_plain(graph.phases[row.identity])
        run.write_config({}, phase, "", vocabulary="v", device=device)
        run.append_metrics({"step": row.steps, "tokens_per_second": speed})
        run.set_status("complete", step=row.steps)

    record(device_name(), 1e6, others[0])  # alone: says nothing of phases side by side
    assert math.isnan(plan().fleet.seconds)
    record(device_name(4), 1e3, first)
    seconds = plan().fleet.seconds
    tokens = sum(row.tokens_to_do for row in plan().phases)
    assert tokens / 4e3 < seconds < tokens / 1e3 / 2
    assert "by earlier runs side by side" in plan_text(plan())


def test_runs_of_another_model_say_how_fast_the_devices_are(study, many_stores, setting, tmp_path):
    wide = dataclasses.replace(MODEL, d_model=64, layers=2)
    vast = dataclasses.replace(MODEL, d_model=512, layers=8)  # says nothing of the others
    both = dataclasses.replace(
        study, settings=(setting, dataclasses.replace(setting, model=wide, size="wide"))
    )
    graph = PhaseGraph.of(both, many_stores.identities, many_stores.tokens)
    small = [n for n, p in graph.phases.items() if p.model == MODEL]
    for name, speed in zip(small, (900.0, 1000.0, 2000.0), strict=False):
        run = RunDirectory.of(tmp_path, graph.phases[name], name)
        run.write_config({}, to_plain(graph.phases[name]), "", vocabulary="v", device=device_name())
        run.append_metrics({"step": 1, "tokens_per_second": speed})
    plain = to_plain(graph.phases[small[0]])
    for number, (model, speed) in enumerate(
        (
            (to_plain(vast), 50.0),
            ({**plain["model"], "of_another_version": True}, 9e9),
            (plain["model"], math.nan),
        )
    ):
        run = RunDirectory(tmp_path / f"run{number}", str(number))
        run.write_config({}, plain | {"model": model}, "", vocabulary="v", device=device_name())
        run.append_metrics({"step": 1, "tokens_per_second": speed})
    plan = make_plan(both, many_stores, Hardware(), tmp_path)
    speeds = {graph.phases[row.identity].model: row.tokens_per_second for row in plan.phases}
    flops = {model: flops_per_token(model, setting.seq_len) for model in speeds}
    assert speeds[MODEL] == 1000.0
    assert speeds[wide] == pytest.approx(1000.0 * flops[MODEL] / flops[wide]) and speeds[wide] < 500
    assert "by the FLOP/s of 3 earlier runs of models of a like size" in plan_text(plan)
    given = make_plan(both, many_stores, HARDWARE, tmp_path)  # a peak that is given comes first
    assert "earlier run" not in plan_text(given)


def test_on_accelerators_no_time_side_by_side_is_claimed(study, many_stores, tmp_path, monkeypatch):
    monkeypatch.setattr("jax.default_backend", lambda: "tpu")
    monkeypatch.setattr("jax.device_count", lambda: 8)

    def plan(members):
        fleet = FleetConfig(members)
        return make_plan(study, many_stores, Hardware(), tmp_path, fleet=fleet)

    assert plan(4).fleet is None
    assert "side by side" not in plan_text(plan(4))
    with pytest.raises(UserError, match="a divisor of 8"):
        plan(3)


def test_the_time_of_phases_side_by_side_keeps_parents_first(study, many_stores):
    graph = PhaseGraph.of(study, many_stores.identities, many_stores.tokens)
    seconds = dict.fromkeys(graph.phases, 1.0)
    assert makespan(graph, seconds, 1) == len(graph.phases)
    deepest = max(len(graph.chain(arm)) for arm in graph.arms)
    assert makespan(graph, seconds, 1000) == deepest
    longest = next(name for name, parent in graph.parents.items() if parent is None)
    assert makespan(graph, seconds | {longest: 50.0}, 1000) >= 51.0
