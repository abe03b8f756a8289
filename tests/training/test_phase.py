import dataclasses
import itertools
import math

import pytest

from code_ablate.data.mixing import Mixture
from code_ablate.errors import UserError
from code_ablate.identity import differences, identity, to_plain
from code_ablate.training.phase import (
    Optimizer,
    Schedule,
    describe,
    phase_from_plain,
    phase_identity,
)
from code_ablate.training.weights import Weights
from tests.test_imports import run

IDENTITIES = {"a": "store-a", "b": "store-b", "c": "store-c"}


def name(phase, identities=IDENTITIES):
    return phase_identity(phase, identities)


def test_equal_phases_have_one_identity(phase, child):
    same = dataclasses.replace(phase, mixture=Mixture.of({"c": 2, "b": 3, "a": 5}))
    assert name(same) == name(phase)
    assert name(dataclasses.replace(child, parent=same)) == name(child)


@pytest.mark.parametrize(
    "change",
    [
        {"mixture": Mixture.of({"a": 0.51, "b": 0.29, "c": 0.2})},
        {"tokens": 21 * 4 * 16},
        {"batch_windows": 2},
        {"seq_len": 32},
        {"seed": 1},
        {"initialisation_seed": 1},
        {"z_loss": 1e-4},
        {"document_masks": True},
        *(
            {"optimizer": dataclasses.replace(Optimizer(), **c)}
            for c in (
                {"b1": 0.8},
                {"b2": 0.9},
                {"epsilon": 1e-6},
                {"weight_decay": 0.0},
                {"clip_norm": 2.0},
            )
        ),
        *(
            {"schedule": Schedule(**{"peak": 1e-2, "final": 1e-3, "warmup_steps": 3, **c})}
            for c in ({"peak": 2e-2}, {"final": 0.0}, {"warmup_steps": 4}, {"shape": "linear"})
        ),
    ],
    ids=str,
)
def test_each_field_that_matters_changes_the_identity(phase, change):
    assert name(dataclasses.replace(phase, **change)) != name(phase)


@pytest.mark.parametrize(
    "change",
    [
        {"d_model": 32},
        {"layers": 3},
        {"heads": 4},
        {"head_dim": 4},
        {"feed_forward": 48},
        {"vocabulary_size": 512},
        {"kv_heads": 1},
        {"rope_theta": 5e5},
        {"norm_epsilon": 1e-6},
        {"compute_dtype": "bfloat16"},
    ],
    ids=str,
)
def test_each_field_of_the_model_that_matters_changes_the_identity(phase, change):
    model = dataclasses.replace(phase.model, **change)
    assert name(dataclasses.replace(phase, model=model)) != name(phase)


def test_every_field_of_a_phase_is_either_in_its_identity_or_known_not_to_matter(phase):
    # A new field has to be put on one of the two sides, and into the tests above.
    other = dataclasses.replace(phase, initialisation_seed=1, weights=Weights("elsewhere", "0123"))
    in_identity = set(describe(other, IDENTITIES)) - {"format", "steps"}
    without = {"name", "max_epochs", "tokens", "optimizer_state", "varied"}
    assert in_identity | without == {f.name for f in dataclasses.fields(phase)}


def test_how_and_where_do_not_change_the_identity(phase):
    model = dataclasses.replace(phase.model, remat="full", attention="dot_product")
    for same in (
        dataclasses.replace(phase, model=model),
        dataclasses.replace(phase, name="another_name"),
        dataclasses.replace(phase, initialisation_seed=phase.seed),
        dataclasses.replace(phase, max_epochs=1.5),
        dataclasses.replace(phase, varied=("a",)),
        dataclasses.replace(phase, mixture=Mixture.of({"a": 0.5, "b": 0.3, "c": 0.2, "d": 0})),
        dataclasses.replace(phase, tokens=phase.tokens + 5),  # rounds to the same steps
    ):
        assert name(same) == name(phase)


def test_what_is_equal_in_python_has_one_identity(phase):
    typed = dataclasses.replace(
        phase,
        optimizer=dataclasses.replace(phase.optimizer, clip_norm=1),
        model=dataclasses.replace(phase.model, rope_theta=10_000, kv_heads=phase.model.heads),
        z_loss=0,
    )
    assert name(typed) == name(phase)


def test_stores_parent_and_carrying_change_the_identity(phase, child):
    assert name(phase, {**IDENTITIES, "b": "prepared anew"}) != name(phase)
    assert name(child, {**IDENTITIES, "b": "prepared anew"}) != name(child)  # through its parent
    assert name(dataclasses.replace(child, optimizer_state="reset")) != name(child)
    restarted = dataclasses.replace(child, schedule=Schedule(shape="linear", final=1e-6))
    assert name(restarted) != name(child)
    assert name(dataclasses.replace(child, parent=None, schedule=phase.schedule)) != name(child)


def test_an_order_of_its_own_is_in_the_identity(phase, child):
    """Corpora of equal content, and stores of a few windows: all others have the same as ever."""
    alike = {**IDENTITIES, "c": "store-a"}
    assert describe(phase, alike)["mixture"]["c"]["shuffled_by"] == "store-a/c"
    assert "shuffled_by" not in describe(phase, alike)["mixture"]["a"]
    only_c = dataclasses.replace(child, mixture=Mixture.of({"c": 1}))
    assert describe(only_c, alike)["mixture"]["c"]["shuffled_by"] == "store-a/c"  # as its parent

    def tokens(windows):
        return {"a": windows * phase.seq_len + 1, "b": 10**6}

    assert phase_identity(phase, IDENTITIES, tokens(17)) == name(phase)
    assert phase_identity(phase, IDENTITIES, tokens(1)) == name(phase)  # there is one order only
    few = describe(phase, IDENTITIES, tokens(16))["mixture"]
    assert few["a"]["order"] == "drawn as a whole" and "order" not in few["b"]
    assert phase_identity(child, IDENTITIES, tokens(2)) != name(child)


def test_identity_is_golden(child):
    # If you meant to change what a phase is: raise FORMAT in training/phase.py and renew this
    # value.
    assert name(child) == "b9699a2013033567"


def test_identity_with_document_masks_is_golden(phase):
    # If you meant to change how documents are masked: say so in _DOCUMENT_MASKS of
    # training/phase.py, and renew this value.
    masked = dataclasses.replace(phase, document_masks=True)
    assert describe(masked, IDENTITIES)["document_masks"] == "EOS opens a document"
    assert name(masked) == "3e3332a1f271df99"


def test_a_phase_comes_back_from_its_json(child):
    assert phase_from_plain(to_plain(child)) == child


def test_steps_are_the_nearest_whole_number_and_match_the_paper(phase):
    paper = dataclasses.replace(phase, batch_windows=512, seq_len=8192, tokens=10**9)
    for tokens, steps in ((200e9, 47_684), (400e9, 95_367), (40e9, 9_537)):
        assert dataclasses.replace(paper, tokens=int(tokens)).steps == steps


def test_cosine_with_warm_up(phase):
    rates = [phase.learning_rate(step) for step in range(phase.steps)]
    assert rates[:3] == pytest.approx([1e-2 / 3, 2e-2 / 3, 1e-2])
    assert rates[3] == pytest.approx(1e-2)
    assert rates[-1] == pytest.approx(1e-3)
    middle = 1e-3 + 9e-3 * 0.5 * (1 + math.cos(math.pi * 8 / 16))
    assert rates[11] == pytest.approx(middle)
    assert all(b <= a * (1 + 1e-9) for a, b in itertools.pairwise(rates[2:]))


def test_a_phase_of_one_step_ends_where_it_says(phase, child):
    one = dataclasses.replace(child, tokens=4 * 16)
    assert one.steps == 1 and one.learning_rate(0) == pytest.approx(1e-6)


def test_a_carried_rate_starts_at_the_parents_last_and_ends_where_it_says(phase, child):
    rates = [child.learning_rate(step) for step in range(child.steps)]
    assert rates[0] == pytest.approx(phase.learning_rate(phase.steps - 1))
    assert rates[-1] == pytest.approx(1e-6)
    grandchild = dataclasses.replace(
        child, parent=child, schedule=Schedule("constant", start="carry")
    )
    assert grandchild.learning_rate(3) == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": 0}, "tokens is 0"),
        ({"tokens": 20}, "less than half a batch"),
        ({"batch_windows": -1}, "batch_windows is -1"),
        ({"optimizer_state": "keep"}, "optimizer_state is 'keep'"),
        ({"schedule": Schedule(warmup_steps=20)}, "20 warm-up steps do not fit in 20"),
        ({"schedule": Schedule(start="carry")}, "has no parent"),
    ],
)
def test_bad_phases_are_refused(phase, change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(phase, **change)


@pytest.mark.parametrize("change", [{"seq_len": 32}, {"seed": 1}])
def test_a_child_that_does_not_fit_its_parent_is_refused(child, change):
    with pytest.raises(UserError, match="what its parent left unread"):
        dataclasses.replace(child, **change)
    with pytest.raises(UserError, match="different models"):
        dataclasses.replace(child, model=dataclasses.replace(child.model, layers=3))


@pytest.mark.parametrize("field", [{"shape": "cubic"}, {"start": "go"}])
def test_bad_schedules_are_refused(field):
    with pytest.raises(UserError, match="must be one of"):
        Schedule(**field)


def test_identity_of_plain_values():
    assert identity({"b": 1, "a": (1, 2.5)}) == identity({"a": [1, 2.5], "b": 1})
    assert identity({"a": 1}) != identity({"a": True})
    with pytest.raises(TypeError):
        identity({"a": object()})


def test_differences_name_the_field():
    assert differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 2}) == ["a.b: 1 -> 3"]
    assert differences({"a": [1, 2]}, {"a": [1, 4], "d": 5}) == ["a[1]: 2 -> 4", "d: (absent) -> 5"]


@pytest.mark.parametrize("warmup_steps", [0, 1, 5])
@pytest.mark.parametrize("shape", ["cosine", "linear", "constant"])
def test_the_highest_rate_is_the_highest_of_all_steps(phase, child, warmup_steps, shape):
    schedule = Schedule(shape, peak=1e-2, final=1e-3, warmup_steps=warmup_steps)
    warmed = dataclasses.replace(phase, schedule=schedule)
    carried = dataclasses.replace(
        child, parent=warmed, schedule=Schedule(shape, final=0.0, start="carry")
    )
    for one in (warmed, carried):
        rates = [one.learning_rate(step) for step in range(one.steps)]
        assert one.highest_learning_rate == pytest.approx(max(rates))


def test_a_rate_carried_on_from_0_is_refused(phase, child):
    ended = dataclasses.replace(phase, schedule=Schedule(peak=1e-2, final=0.0, warmup_steps=3))
    with pytest.raises(UserError, match=r"ends at 0.*Schedule\.final of the parent"):
        dataclasses.replace(child, parent=ended)
    dataclasses.replace(child, parent=ended, schedule=Schedule(peak=1e-3))


def test_a_decay_that_would_rise_is_refused(phase, child):
    with pytest.raises(UserError, match=r"47.*cannot end above its peak"):
        Schedule(peak=4e-3, final=47)
    with pytest.raises(UserError, match=r"would raise it to Schedule\.final = 0\.5"):
        dataclasses.replace(child, schedule=Schedule(start="carry", final=0.5))


@pytest.mark.parametrize(
    "module",
    [
        "code_ablate.model.config",
        "code_ablate.model.flops",
        "code_ablate.pods.pod",
        "code_ablate.training.devices",
        "code_ablate.training.execution",
        "code_ablate.training.phase",
        "code_ablate.training.reading",
        "code_ablate.training.rundir",
    ],
)
def test_what_plans_and_reports_need_imports_without_jax(module):
    blocked = ("jax", "jaxlib", "flax", "optax", "orbax", "tensorflow", "seqio", "gin")
    done = run(f"import {module}", *blocked)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_phase_that_goes_on_has_the_first_weights_of_its_parent(phase, child):
    parent = dataclasses.replace(phase, initialisation_seed=3)
    both = dataclasses.replace(child, parent=parent, initialisation_seed=3)
    assert both.seed_of_parameters == 3 and both.seed == phase.seed
    with pytest.raises(UserError, match=r"initialisation_seed = None and its parent has 3"):
        dataclasses.replace(child, parent=parent)
