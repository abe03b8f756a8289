import dataclasses

import pytest

from code_ablate.data.store import Stores
from code_ablate.errors import UserError
from code_ablate.study.phase_keys import unprepared_graph
from code_ablate.study.plan import make_plan, requested_shares
from code_ablate.study.plan_text import plan_text
from code_ablate.study.recipes import (
    base_only,
    proportion,
    text_only,
    with_corpus,
    without_corpus,
)
from code_ablate.study.setting import Recipe, Side
from code_ablate.training.weights import Weights
from tests.study.test_plan import HARDWARE

CODE = {"code": ("web", "markup")}


def test_all_recipes_have_one_budget_and_the_shares_they_say(study):
    shares = {}
    for arm, phase in study.arms.items():
        if (arm.seed, arm.stage) == (0, "pretraining"):
            assert sum(part.realised_tokens for part in phase.chain) == 400 * 64
            shares[arm.recipe] = requested_shares(phase, CODE)["code"]
        if arm.stage == "cooldown":
            assert phase.mixture.share_of(CODE["code"]) == pytest.approx(0.2)
            last = phase.parent.learning_rate(phase.parent.steps - 1)
            assert phase.learning_rate(0) == pytest.approx(last)
    assert shares == pytest.approx(
        {
            "text_only": 0,
            "balanced_only": 0.5,
            "balanced_to_text": 0.3,
            "code_to_text": 0.55,
            "code_0": 0,
            "code_25": 0.25,
            "code_50": 0.5,
            "code_100": 1,
        }
    )


def test_an_odd_number_of_steps_is_one_budget_too(study, setting):
    odd = dataclasses.replace(study, settings=(dataclasses.replace(setting, tokens=125 * 64),))
    for arm, phase in odd.arms.items():
        if arm.stage == "pretraining":
            assert sum(part.steps for part in phase.chain) == 125, arm


def test_a_corpus_on_both_sides_is_refused(setting):
    with pytest.raises(UserError, match=r"in Setting\.base and in Setting\.source"):
        dataclasses.replace(setting, base={"text": 0.9, "markup": 0.1})


def test_a_share_of_any_source_is_named_after_it(setting):
    notes = dataclasses.replace(setting, source={"notes": 1}, source_name="notes")
    recipe = proportion(notes, 0.3, cooldown=True)
    assert recipe.name == "notes_30" and list(recipe.stages) == ["pretraining", "cooldown"]
    assert recipe.stages["pretraining"].mixture.active == {"notes": 0.3, "text": 0.7}
    assert list(proportion(notes, 0.3).stages) == ["pretraining"]


@pytest.fixture
def mixed(setting):
    """A base of three corpora, and no source."""
    base = {"text": 0.5, "web": 0.3, "markup": 0.2}
    return dataclasses.replace(setting, base=base, source=None, source_name="")


def test_a_corpus_is_added_to_the_base(mixed):
    recipe = with_corpus(mixed, {"notes": 1}, share=0.5)
    assert recipe.name == "with_notes"
    mixture = recipe.stages["pretraining"].mixture.active
    assert mixture == pytest.approx({"text": 0.25, "web": 0.15, "markup": 0.1, "notes": 0.5})
    assert recipe.stages["cooldown"].mixture.active == pytest.approx(
        {"text": 0.5, "web": 0.3, "markup": 0.2}
    )
    assert with_corpus(mixed, {"a": 1, "b": 1}, 0.1, name="both").name == "both"


def test_a_corpus_is_left_out_of_the_base_and_of_the_cooldown(mixed):
    recipe = without_corpus(mixed, "web")
    assert recipe.name == "without_web"
    for phase in recipe.stages.values():
        assert phase.mixture.active == pytest.approx({"text": 5 / 7, "markup": 2 / 7})


def test_a_corpus_that_is_not_in_the_base_cannot_be_left_out(mixed, setting):
    with pytest.raises(UserError, match=r"Setting\.base has markup, text, web"):
        without_corpus(mixed, "wbe")
    with pytest.raises(UserError, match="of two or more"):
        without_corpus(dataclasses.replace(setting, source=None), "text")


def test_without_a_source_a_recipe_that_mixes_it_in_says_so(mixed):
    assert base_only(mixed).stages["pretraining"].mixture == mixed.base_mixture
    with pytest.raises(UserError, match=r"Setting\.source is not set"):
        proportion(mixed, 0.5)


def test_names_of_the_sides_are_those_of_registered_mixtures_else_their_fields(setting):
    plain = dataclasses.replace(setting, base_name="", source_name="")
    assert (plain.base_name, plain.source_name) == ("base", "source")


def test_a_recipe_has_any_number_of_named_stages(setting):
    first = text_only(setting).stages["pretraining"]
    half = setting.follow(first, 0.5, 64 * 20, setting.continuation, "half")
    last = setting.follow(half, 1.0, 64 * 10, setting.cooldown, "last")
    recipe = Recipe("own", {"pretraining": first, "half way": half, "end": last})
    assert [phase.steps for phase in recipe.stages.values()] == [400, 20, 10]
    with pytest.raises(UserError, match="has no stage"):
        Recipe("none", {})


def test_another_source_brings_its_own_name(setting):
    """A scale names its sides; who puts notes in the place of the code reads about notes."""
    code = Side("code", {"web": 1})
    named = dataclasses.replace(setting, source=code, source_name="")
    assert named.source_name == "code" and named.source.active == {"web": 1}
    notes = dataclasses.replace(setting, source={"notes": 1}, source_name="")
    assert proportion(notes, 0.3).name == "source_30"


def test_seeds_of_an_initialisation_that_is_none_are_refused(study, setting):
    """From weights that are there, seeds differ in the order alone."""
    from_weights = dataclasses.replace(setting, weights=Weights("elsewhere", "0123456789abcdef"))
    begun = dataclasses.replace(study, settings=(from_weights,))
    assert {phase.seed for phase in begun.phases} == {0, 1}
    fixed = dataclasses.replace(from_weights, order_seed=0)
    with pytest.raises(UserError, match="is the same with seed 0 and seed 1"):
        dataclasses.replace(study, settings=(fixed,))


def test_every_recipe_starts_from_the_weights_of_the_setting(study, setting):
    weights = Weights("elsewhere", "0123456789abcdef")
    begun = dataclasses.replace(
        study, settings=(dataclasses.replace(setting, weights=weights),), seeds=(0,)
    )
    assert all(phase.weights == weights for phase in begun.phases)
    assert all("from the weights 0123456789abcdef" in d for d in begun.recipe_descriptions.values())
    assert not any("weights" in text for text in study.recipe_descriptions.values())
    text = plan_text(make_plan(begun, Stores({}), HARDWARE, "nowhere"))
    firsts = sum(phase.parent is None for phase in unprepared_graph(begun).phases.values())
    assert text.count("from the weights 0123456789abcdef") == firsts
    elsewhere = dataclasses.replace(setting, weights=Weights("moved", weights.digest))
    assert dataclasses.replace(begun, settings=(elsewhere,)).configuration == begun.configuration
    others = dataclasses.replace(setting, weights=Weights("elsewhere", "other"))
    assert dataclasses.replace(begun, settings=(others,)).configuration != begun.configuration
