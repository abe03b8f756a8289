import dataclasses

import pytest

from code_ablate.data.store import Stores
from code_ablate.errors import UserError
from code_ablate.model.flops import flops_per_token
from code_ablate.study import hardware
from code_ablate.study import plan as plan_module
from code_ablate.study.hardware import Hardware
from code_ablate.study.plan import make_plan
from code_ablate.study.plan_text import plan_text
from code_ablate.study.recipes import text_only
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
    assert (
        "80% web + 20% markup" not in text and "100% text; learning rate 0.0005 to 0.0001" in text
    )
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
    monkeypatch.setattr(hardware, "device_here", lambda: None)
    monkeypatch.setattr(plan_module, "device_here", lambda: None)
    text = plan_text(make_plan(study, many_stores, Hardware(), tmp_path))
    assert "training time   unknown" in text and "JAX is not installed" in text
    assert "nan" not in text
