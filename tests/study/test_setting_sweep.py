import dataclasses

import pytest

from code_ablate.errors import UserError
from code_ablate.model.flops import count_parameters
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.setting_sweep import Growth, sweep
from code_ablate.study.sizes import model_of
from tests.study.conftest import MODEL

SIZES = (300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 60_000_000)


def test_without_anything_to_vary_it_is_the_setting(setting):
    assert sweep(setting) == (setting,)


@pytest.mark.parametrize("parameters", SIZES)
def test_a_model_of_about_as_many_parameters(parameters):
    like = dataclasses.replace(MODEL, vocabulary_size=4096, attention="blocked")
    model = model_of(parameters, like)
    assert count_parameters(model).total == pytest.approx(parameters, rel=0.1)
    assert model.d_model == model.heads * model.head_dim
    assert (model.vocabulary_size, model.attention) == (4096, "blocked")


def test_larger_models_are_wider_and_no_shallower():
    models = [model_of(n, dataclasses.replace(MODEL, vocabulary_size=4096)) for n in SIZES]
    widths, layers = ([getattr(m, f) for m in models] for f in ("d_model", "layers"))
    assert widths == sorted(set(widths)) and layers == sorted(layers)


def test_a_vocabulary_that_is_larger_than_the_model_is_refused():
    with pytest.raises(UserError, match=r"no model of about 300,000 parameters.*256,000"):
        model_of(300_000, dataclasses.replace(MODEL, vocabulary_size=256_000))


def test_sizes_alone_change_nothing_but_the_model(setting):
    small, own = sweep(setting, sizes=(30_000, MODEL), growth=Growth())
    assert own == setting
    assert dataclasses.replace(small, model=MODEL) == setting


def test_budget_batch_and_rates_follow_the_size(setting):
    growth = Growth(
        reference=count_parameters(MODEL).total,
        tokens_per_parameter=20,
        learning_rate_exponent=0.25,
        batch_exponent=0.5,
    )
    large = dataclasses.replace(MODEL, layers=32)
    ratio = count_parameters(large).total / count_parameters(MODEL).total
    own, grown = sweep(setting, sizes=(MODEL, large), growth=growth)
    assert own.tokens == 20 * growth.reference and own.batch_windows == setting.batch_windows
    assert own.schedule.peak == setting.schedule.peak
    assert grown.tokens == 20 * count_parameters(large).total
    assert grown.schedule.peak == pytest.approx(setting.schedule.peak * ratio**-0.25)
    assert grown.batch_windows in (setting.batch_windows * 2**i for i in range(8))
    assert 0.7 < grown.batch_windows / (setting.batch_windows * ratio**0.5) < 1.5
    # Warm-up and cooldown keep their parts: of steps, and of tokens.
    for one in (own, grown):
        steps = one.tokens / one.batch_windows / one.seq_len
        before = setting.tokens / setting.batch_windows / setting.seq_len
        share = setting.schedule.warmup_steps / before
        assert one.schedule.warmup_steps == pytest.approx(share * steps, abs=1)
        assert one.cooldown_tokens == pytest.approx(one.tokens / 10, abs=1)


def test_every_size_has_every_change_and_a_name(setting):
    settings = sweep(
        setting,
        sizes=(30_000, MODEL),
        product={"learning_rate": (0.5, 1.0)},
        listed=({"label": "carried", "continuation.start": "carry"},),
    )
    names = [one.size_name for one in settings]
    small = names[0].partition(",")[0]
    assert names == [
        f"{size}, {change}"
        for size in (small, "9.97K")
        for change in ("learning_rate 0.5", "learning_rate 1", "carried")
    ]


def test_the_name_of_a_size_is_in_parts_as_it_was_made(study, setting):
    """A comma in a name that a user gave ends no part of it."""
    own = dataclasses.replace(setting, size="deep, narrow")
    listed = ({"label": "slow, carried", "continuation.start": "carry"},)
    product = {"learning_rate": (0.5,), "z_loss": (0.0,)}
    settings = sweep(own, product=product, listed=listed)
    both = dataclasses.replace(study, settings=settings)
    assert both.size_parts == {
        "deep, narrow, learning_rate 0.5, z_loss 0": (
            *("deep, narrow", "learning_rate 0.5", "z_loss 0"),
        ),
        "deep, narrow, slow, carried": ("deep, narrow", "slow, carried"),
    }
    assert set(both.size_parts) == set(both.models)


def test_equal_models_under_other_settings_are_told_apart_and_share_phases(study, setting):
    """The size of a phase is that of an arm that trains it, not of any with the same model."""
    from code_ablate.study.plan import phase_sizes

    rates = sweep(setting, product={"learning_rate": (0.5, 1.0)})
    both = dataclasses.replace(study, settings=rates)
    graph = PhaseGraph.of(both, {c: c for c in both.corpora})
    sizes = phase_sizes(graph)
    for arm in graph.arms:
        assert all(sizes[name] == arm.size for name in graph.chain(arm))
    starts = sweep(setting, product={"continuation.start": ("restart", "carry")})
    shared = dataclasses.replace(study, settings=starts)
    graph = PhaseGraph.of(shared, {c: c for c in shared.corpora})
    once = PhaseGraph.of(study, {c: c for c in study.corpora})
    # Two recipes have a continuation, and a cooldown after it, for each of two seeds.
    assert len(graph.phases) == len(once.phases) + 2 * 2 * 2


def test_a_change_without_a_value_is_refused(setting):
    with pytest.raises(UserError, match=r"sweep\.product has no value for 'tokens'"):
        sweep(setting, product={"tokens": ()})


@pytest.mark.parametrize("change", [{"product": {"seed": (0, 1)}}, {"listed": ({"seed": 1},)}])
def test_the_seed_of_a_study_is_no_setting_of_a_sweep(setting, change):
    """The study sets it in every setting: "seed 1" would stand beside runs of seed 0."""
    with pytest.raises(UserError, match=r"Study\.seeds.*'order_seed'"):
        sweep(setting, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": (MODEL, MODEL)},
        {"listed": ({"label": "a", "tokens": 1000}, {"label": "a", "tokens": 2000})},
        {"product": {"tokens": (1000, 1000)}},
    ],
)
def test_settings_of_one_name_are_refused_in_the_words_of_the_sweep(setting, change):
    with pytest.raises(UserError, match=r"several settings of the name 9\.97K.*sweep\.sizes"):
        sweep(setting, **change)


def test_one_setting_under_two_names_is_refused(setting):
    """Their difference would be told of, and be none."""
    listed = ({"label": "as it is"}, {"label": "the same", "tokens": setting.tokens})
    with pytest.raises(UserError, match=r"'9\.97K, as it is' and '9\.97K, the same'"):
        sweep(setting, listed=listed)
