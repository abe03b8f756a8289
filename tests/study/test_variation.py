import dataclasses
import functools
import math

import pytest

from code_ablate.errors import UserError
from code_ablate.model.flops import count_parameters
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.recipes import (
    balanced_to_text,
    on_mixture,
    proportion,
    text_only,
    with_corpus,
)
from code_ablate.study.variation import changed, combinations, cooled, each, one_each, varied
from tests.study.conftest import MODEL


@pytest.fixture
def with_roles(setting):
    roles = {
        "code": {"web": 0.8, "markup": 0.2},
        "synthetic": "synthetic",
        "language.a": {"notes": 1},
        "language.b": {"talks": 1},
    }
    roles["synthetic"] = {"synthetic": 1}
    return dataclasses.replace(setting, roles=roles)


def test_a_field_and_one_below_it_are_changed_and_nothing_else(setting):
    other = varied(setting, {"tokens": 800 * 64, "continuation.start": "carry"})
    assert (other.tokens, other.continuation.start) == (800 * 64, "carry")
    back = varied(other, {"tokens": setting.tokens, "continuation.start": "restart"})
    assert back == setting and other != setting


def test_a_model_is_changed_by_its_fields(setting):
    assert varied(setting, {"model.layers": 3}).model == dataclasses.replace(MODEL, layers=3)


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("token", "tokens"),
        ("continuation.stat", "continuation.start"),
        ("continuation.start.x", "field of a setting"),
        ("learning_rat", "learning_rate"),
        ("roles", "field of a setting"),
        ("roles.synthetic", "field of a setting"),
    ],
)
def test_a_change_of_what_is_not_there_names_what_is(setting, name, close):
    with pytest.raises(UserError, match=close):
        varied(setting, {name: 1})


@pytest.mark.parametrize("name", ["learning_rate", "tokens_per_parameter"])
@pytest.mark.parametrize("value", [0, -1.0, "2", True, None, math.inf, math.nan])
def test_a_factor_is_a_number_above_0(setting, name, value):
    with pytest.raises(UserError, match=f"the change {name} is"):
        varied(setting, {name: value})


def test_a_value_that_its_field_does_not_allow_is_refused(setting):
    with pytest.raises(UserError, match=r"Schedule\.start is 'carri'"):
        varied(setting, {"continuation.start": "carri"})


def test_learning_rates_are_scaled_where_they_are_set_and_a_cooldown_ends_where_it_did(setting):
    other = varied(setting, {"learning_rate": 2.0})
    assert other.schedule.peak == 2 * setting.schedule.peak
    assert other.schedule.final == 2 * setting.schedule.final
    assert other.continuation.peak == 2 * setting.continuation.peak
    assert other.cooldown == setting.cooldown
    restarting = dataclasses.replace(setting.cooldown, start="restart")
    again = varied(dataclasses.replace(setting, cooldown=restarting), {"learning_rate": 2.0})
    assert again.cooldown.peak == 2 * restarting.peak and again.cooldown.final == restarting.final


def test_tokens_per_parameter_keeps_the_parts_of_warm_up_and_cooldown(setting):
    parameters = count_parameters(MODEL).total
    other = varied(setting, {"tokens_per_parameter": 20})
    assert other.tokens == 20 * parameters
    factor = other.tokens / setting.tokens
    assert other.cooldown_tokens == pytest.approx(factor * setting.cooldown_tokens, abs=1)
    assert other.schedule.warmup_steps == round(factor * setting.schedule.warmup_steps)


def test_a_mixture_may_name_roles(with_roles):
    other = varied(with_roles, {"source": {"code": 0.9, "synthetic": 0.1}})
    assert other.mix(1.0).active == pytest.approx({"web": 0.72, "markup": 0.18, "synthetic": 0.1})
    assert other.source_name == "code"
    assert varied(with_roles, {"base": "synthetic"}).base_mixture.active == {"synthetic": 1.0}
    assert varied(with_roles, {"cooldown_base": None}) == with_roles


def test_one_arm_is_changed_and_says_so(study, setting):
    code_free = functools.partial(
        changed, recipe=text_only, changes={"cooldown_source_share": 0.0}, name="code_free"
    )
    both = dataclasses.replace(study, recipes=(text_only, code_free), seeds=(0,))
    shares = {(a.recipe, a.stage): p.mixture.active for a, p in both.arms.items()}
    assert shares["code_free", "cooldown"] == {"text": 1.0}
    assert shares["text_only", "cooldown"] != {"text": 1.0}
    graph = PhaseGraph.of(both, {c: c for c in both.corpora})
    assert len(graph.phases) == 3  # pre-training once, two cooldowns
    text = both.recipe_descriptions["code_free"]
    assert text == "The whole budget on text; cooldown_source_share 0."
    unnamed = changed(setting, recipe=text_only, changes={"continuation.start": "carry"})
    assert unnamed.name == "text_only (continuation.start carry)"


def test_cooldowns_are_compared_at_one_stage(setting):
    recipes = [cooled(setting, recipe=balanced_to_text, source_share=s, name=n)
               for s, n in ((None, "none"), (0.0, "without"), (0.5, "half"))]  # fmt: skip
    assert {tuple(recipe.stages) for recipe in recipes} == {("end",)}
    none, without, half = (recipe.stages["end"] for recipe in recipes)
    assert [len(phase.chain) for phase in (none, without, half)] == [2, 3, 3]
    assert without.parent == none and half.parent == none
    assert without.mixture.active == {"text": 1.0}
    assert half.mixture.share_of(("web", "markup")) == pytest.approx(0.5)
    with pytest.raises(UserError, match=r"cooldown_tokens is 0"):
        cooled(dataclasses.replace(setting, cooldown_tokens=0), text_only, 0.2, "x")


def test_each_makes_every_combination_then_those_listed(setting):
    made = each(
        setting,
        recipe=proportion,
        product={"share": (0.25, 0.5), "cooldown": (True,)},
        listed=({"share": 1.0},),
    )
    assert [recipe.name for recipe in made] == ["code_25", "code_50", "code_100"]
    assert [len(recipe.stages) for recipe in made] == [2, 2, 1]


def test_recipes_of_one_name_are_told_apart_by_what_differs(setting, with_roles):
    """A product over two parameters, of which the recipe's name tells one."""
    made = each(
        setting,
        recipe=proportion,
        product={"share": (0.25, 0.5), "budget": (0.5, 1.0)},
        listed=({"share": 0.25, "cooldown": True}, {"share": 1.0}),
    )
    assert [recipe.name for recipe in made] == [
        *("code_25 (budget 0.5)", "code_25 (budget 1)"),
        *("code_50 (budget 0.5)", "code_50 (budget 1)"),
        *("code_25 (cooldown True)", "code_100"),
    ]
    added = each(
        with_roles, recipe=with_corpus, product={"corpus": ("synthetic",), "share": (0.1, 0.2)}
    )
    assert [recipe.name for recipe in added] == [
        "with_synthetic (share 0.1)",
        "with_synthetic (share 0.2)",
    ]


@pytest.mark.parametrize(
    ("function", "values", "message"),
    [
        (
            proportion,
            {"shar": 0.5},
            "no parameter of proportion named 'shar'; did you mean 'share'",
        ),
        (len, {}, r"each\.recipe is .*function of a setting"),
        (lambda setting: setting, {}, r"<lambda>, in each\.recipe, made"),
        (proportion, {"share": 2.0}, r"proportion\.share is 2\.0"),
    ],
)
def test_what_makes_no_recipe_is_refused(setting, function, values, message):
    with pytest.raises(UserError, match=message):
        each(setting, recipe=function, listed=(values,))


def test_one_arm_is_made_of_one_recipe(setting):
    several = functools.partial(each, recipe=proportion, product={"share": (0.1, 0.2)})
    with pytest.raises(UserError, match=r"changed\.recipe makes 2 recipes"):
        changed(setting, recipe=several, changes={})


def test_recipes_of_a_sweep_stand_in_a_study_like_any_other(study):
    sweep = functools.partial(each, recipe=proportion, product={"share": (0.25, 0.5)})
    both = dataclasses.replace(study, recipes=(text_only, sweep))
    assert list(both.recipe_descriptions) == ["text_only", "code_25", "code_50"]
    twice = functools.partial(each, recipe=proportion, product={"share": (0.5, 0.5)})
    with pytest.raises(UserError, match="several of the name code_50"):
        dataclasses.replace(study, recipes=(text_only, twice))


def test_a_recipe_that_returns_none_is_refused(study):
    def forgotten(setting):
        text_only(setting)

    with pytest.raises(UserError, match=r"forgotten, in Study\.recipes, made None"):
        dataclasses.replace(study, recipes=(text_only, forgotten))


def test_combinations():
    assert list(combinations({}, (), "sweep")) == [{}]
    assert list(combinations({}, ({"a": 1},), "sweep")) == [{"a": 1}]
    assert list(combinations({"a": (1, 2), "b": (3,)}, ({"a": 9},), "sweep")) == [
        {"a": 1, "b": 3},
        {"a": 2, "b": 3},
        {"a": 9},
    ]
    with pytest.raises(UserError, match=r"sweep\.product has no value for 'a'"):
        list(combinations({"a": ()}, (), "sweep"))


def test_an_arm_for_each_role_of_a_kind(with_roles):
    made = one_each(with_roles, "language.*", 0.25, 0.5)
    assert [recipe.name for recipe in made] == ["a", "b"]
    phase = made[0].stages["pretraining"]
    assert phase.mixture.active == {"notes": 0.25, "text": 0.75}
    assert phase.realised_tokens == with_roles.tokens / 2 and phase.varied == ("notes",)
    with pytest.raises(UserError, match=r"no role \(one_each\.roles\)"):
        one_each(with_roles, "languages.*", 0.25)


def test_a_recipe_on_a_mixture_of_its_own_varies_what_is_not_in_the_base(with_roles):
    recipe = on_mixture(with_roles, {"code": 0.5, "text": 0.5}, "half", budget=0.5)
    phase = recipe.stages["pretraining"]
    assert phase.varied == ("markup", "web")
    assert phase.mixture.active == pytest.approx({"web": 0.4, "markup": 0.1, "text": 0.5})
    assert list(recipe.stages) == ["pretraining"]
    assert recipe.description == "50 % of the budget on 10% markup + 50% text + 40% web."


def test_only_the_first_phase_has_another_source(with_roles):
    recipe = balanced_to_text(with_roles, first_source={"code": 0.9, "synthetic": 0.1}, name="x")
    first, then, cooldown = recipe.stages["cooldown"].chain
    assert first.mixture.active["synthetic"] == pytest.approx(0.05)
    assert "synthetic" not in {*then.mixture.active, *cooldown.mixture.active}
