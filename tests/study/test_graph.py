import dataclasses
import functools

import numpy as np
import pytest

from code_ablate.analysis.results.arm import Arm
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.errors import UserError
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.recipes import (
    balanced_only,
    proportion,
    text_only,
    with_corpus,
    without_corpus,
)
from code_ablate.study.setting import Recipe
from code_ablate.training.reading import phase_stream
from tests.study.conftest import CORPORA, MODEL

IDENTITIES = {name: name[0] for name in CORPORA}


def by_recipe(graph):
    """Identity by recipe, seed and stage, of a study of one size."""
    return {(a.recipe, a.seed, a.stage): name for a, name in graph.identities.items()}


def test_equal_phases_are_trained_once(study):
    graph = PhaseGraph.of(study, IDENTITIES)
    arms = by_recipe(graph)
    assert arms["text_only", 0, "pretraining"] == arms["code_0", 0, "pretraining"]
    assert arms["balanced_only", 1, "pretraining"] == arms["code_50", 1, "pretraining"]
    assert arms["text_only", 0, "pretraining"] != arms["text_only", 1, "pretraining"]
    # 8 pre-trainings (of which 2 are of two phases) and 4 cooldowns, less 2 that are shared.
    assert len(graph.phases) == 2 * (8 + 2 + 4 - 2)
    shared = arms["text_only", 0, "pretraining"]
    assert graph.users[shared] == ("text_only/0", "code_0/0")


def test_runs_are_called_by_the_first_recipe_that_needs_them(study, setting):
    graph = PhaseGraph.of(study, IDENTITIES)
    labels = {
        (a.recipe, a.seed, a.stage): graph.labels[name] for a, name in graph.identities.items()
    }
    assert labels["text_only", 0, "pretraining"] == "text_only-pretraining-seed0"
    assert labels["code_0", 0, "pretraining"] == "text_only-pretraining-seed0"
    assert labels["code_25", 1, "pretraining"] == "code_25-pretraining-seed1"
    assert labels["balanced_to_text", 1, "pretraining"] == "balanced_to_text-continuation-seed1"
    assert set(graph.labels) == set(graph.phases)
    larger = dataclasses.replace(
        setting, model=dataclasses.replace(MODEL, layers=3), size="large +"
    )
    both = dataclasses.replace(study, settings=(setting, larger))
    names = set(PhaseGraph.of(both, IDENTITIES).labels.values())
    assert {"text_only-9.97K-pretraining-seed0", "text_only-large_+-cooldown-seed1"} <= names


def test_parents_come_before_their_children(study):
    graph = PhaseGraph.of(study, IDENTITIES)
    seen = set()
    for identity in graph.phases:
        assert graph.parents[identity] is None or graph.parents[identity] in seen
        seen.add(identity)


def test_a_chain_leads_from_the_first_phase_to_the_arm(study):
    graph = PhaseGraph.of(study, IDENTITIES)
    arm = Arm("code_to_text", "9.97K", 0, "cooldown")
    chain = graph.chain(arm)
    assert [graph.phases[name].name for name in chain] == [
        "pretraining",
        "continuation",
        "cooldown",
    ]
    assert chain[-1] == graph.identities[arm]


def test_recipes_read_the_same_text_in_the_same_order(study, many_stores):
    def text_of(recipe):
        phase = study.arms[Arm(recipe, "9.97K", 0, "pretraining")]
        stream = phase_stream(phase, many_stores)
        corpora, rows = stream.at(np.arange(400))
        return rows[corpora == stream.corpora.index("text")]

    text_only_rows, balanced_rows = text_of("text_only"), text_of("balanced_only")
    assert 198 <= len(balanced_rows) <= 202
    np.testing.assert_array_equal(text_only_rows[: len(balanced_rows)], balanced_rows)


# ------------------------------------------------------------------------------ sizes and stages


def test_a_study_has_several_sizes_and_equal_phases_of_a_size_are_shared(study, setting):
    wide = dataclasses.replace(MODEL, d_model=32)
    sizes = (setting, dataclasses.replace(setting, model=wide, size="wide", tokens=800 * 64))
    both = dataclasses.replace(study, settings=sizes)
    assert list(both.models) == ["9.97K", "wide"]
    graph = PhaseGraph.of(both, IDENTITIES)
    assert len(graph.phases) == 2 * len(PhaseGraph.of(study, IDENTITIES).phases)
    small, large = (graph.arms[Arm("text_only", s, 1, "pretraining")] for s in both.models)
    assert (small.steps, large.steps) == (400, 800) and large.model == wide
    shared = graph.identities[Arm("text_only", "wide", 0, "pretraining")]
    assert graph.users[shared] == ("text_only/wide/0", "code_0/wide/0")


def test_two_settings_need_names_for_their_sizes_if_their_models_are_one(study, setting):
    longer = dataclasses.replace(setting, tokens=800 * 64)
    with pytest.raises(UserError, match=r"two settings.*9\.97K.*Setting\.size"):
        dataclasses.replace(study, settings=(setting, longer))
    named = dataclasses.replace(longer, size="longer")
    assert len(dataclasses.replace(study, settings=(setting, named)).arms) == 2 * len(study.arms)


def test_settings_that_vary_different_sources_are_refused(study, setting):
    notes = dataclasses.replace(
        setting, source={"notes": 1}, source_name="notes", size="second", tokens=800 * 64
    )
    with pytest.raises(UserError, match=r"vary 'code' and 'notes'.*one main axis"):
        dataclasses.replace(study, settings=(setting, notes))


def larger(setting):
    """A recipe of another model than the study's."""
    wide = dataclasses.replace(setting, model=dataclasses.replace(MODEL, d_model=64, layers=4))
    return dataclasses.replace(text_only(wide), name="larger")


def test_a_recipe_of_another_model_is_an_arm_of_its_own_size(study):
    study = dataclasses.replace(study, recipes=(text_only, larger))
    assert list(study.models) == ["9.97K", "60.5K"]
    assert Arm("larger", "60.5K", 0, "pretraining") in study.arms


def three_stages(setting):
    """Three stages."""
    first = text_only(setting).stages["pretraining"]
    half = setting.follow(first, 0.5, 64 * 20, setting.continuation, "half")
    last = setting.follow(half, 1.0, 64 * 10, setting.cooldown, "end")
    return Recipe("three", {"pretraining": first, "half": half, "end": last}, "What three do.")


def test_stages_are_those_of_the_recipes_in_order(study):
    study = dataclasses.replace(study, recipes=(text_only, three_stages))
    assert study.stages == ("pretraining", "cooldown", "half", "end")
    assert study.recipe_descriptions["three"] == "What three do."
    assert study.recipe_descriptions["text_only"] == "The whole budget on text."


# ------------------------------------------------------------------------------ groups of corpora


def test_the_default_group_is_all_that_is_varied(study):
    assert study.share_groups == {"code": ("markup", "web")} and study.source == "code"


def quality(setting):
    """A recipe with its own code side, as the paper's quality arms have."""
    own = dataclasses.replace(setting, source={"synthetic": 1})
    return dataclasses.replace(balanced_only(own), name="quality")


def test_a_recipe_with_its_own_source_belongs_to_the_default_group(study):
    study = dataclasses.replace(study, recipes=(text_only, quality))
    assert study.share_groups == {"code": ("markup", "synthetic", "web")}


def test_groups_can_be_named_and_may_overlap(study):
    groups = {"synthetic": ("synthetic",), "code": ("web", "markup", "synthetic")}
    study = dataclasses.replace(study, recipes=(text_only, quality), groups=groups)
    assert study.share_groups == groups and study.source == "code"
    one = dataclasses.replace(study, groups={"synthetic": "synthetic"})
    assert one.share_groups == {"synthetic": ("synthetic",)} and one.source == "synthetic"


def by_hand(setting):
    """A recipe with a mixture that neither side of the setting knows."""
    phase = text_only(setting).stages["pretraining"]
    return Recipe("by_hand", {"pretraining": dataclasses.replace(phase, mixture={"synthetic": 1})})


def test_a_corpus_that_nobody_placed_is_refused_instead_of_reported_as_nothing(study):
    with pytest.raises(UserError, match=r"'by_hand' reads 'synthetic'.*Study\.groups"):
        dataclasses.replace(study, recipes=(text_only, by_hand))
    with pytest.raises(UserError, match=r"'by_hand' reads 'synthetic'.*Study\.groups"):
        dataclasses.replace(study, recipes=(text_only, by_hand), groups={"code": ("web", "markup")})
    groups = {"code": ("web", "markup", "synthetic")}
    dataclasses.replace(study, recipes=(text_only, by_hand), groups=groups)


def test_a_corpus_of_the_base_is_none_of_the_source_where_a_recipe_varies_it(study, setting):
    """Else the share of code would be 100 % in an arm of text alone."""
    own = dataclasses.replace(setting, base={"text": 0.7, "letters": 0.3})
    without = functools.partial(without_corpus, corpus="letters")
    more = functools.partial(with_corpus, corpus={"letters": 1}, share=0.5, name="more")
    study = dataclasses.replace(study, settings=(own,), recipes=(text_only, without, more))
    assert study.share_groups == {"code": ("markup", "web"), "letters": ("letters",)}
    assert study.source == "code"


def test_a_study_that_leaves_a_corpus_out_reports_the_share_of_that_corpus(study, setting):
    base = {"text": 0.5, "web": 0.3, "markup": 0.2}
    own = dataclasses.replace(setting, base=base, source=None, source_name="")
    without = functools.partial(without_corpus, corpus="web")
    recipes = (text_only, without)
    study = dataclasses.replace(study, settings=(own,), recipes=recipes)
    assert study.share_groups == {"web": ("web",)} and study.source == "web"


def again(setting):
    """A recipe with a seed of its own, whatever the study's."""
    return dataclasses.replace(text_only(dataclasses.replace(setting, seed=1)), name="again")


def test_seeds_that_train_the_same_are_refused(study, setting):
    """Two runs would be counted of which there is one: noise would be none."""
    with pytest.raises(UserError, match=r"'again' is the same with seed 0 and seed 1"):
        dataclasses.replace(study, recipes=(text_only, again))
    one = dataclasses.replace(study, recipes=(text_only, again), seeds=(0,))
    assert {phase.seed for arm, phase in one.arms.items() if arm.recipe == "again"} == {1}
    both = dataclasses.replace(setting, initialisation_seed=0, order_seed=0)
    with pytest.raises(UserError, match=r"'text_only' is the same.*'order_seed'"):
        dataclasses.replace(study, settings=(both,))
    dataclasses.replace(study, settings=(dataclasses.replace(setting, order_seed=0),))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": ()}, "at least one seed"),
        ({"seeds": (0, 0)}, "each once"),
        ({"recipes": ()}, "recipes is empty"),
        ({"settings": ()}, "settings is empty"),
        ({"recipes": (text_only, text_only)}, "each may occur once"),
        ({"baseline": "text_olny"}, "did you mean 'text_only'"),
        ({"vocabulary": VocabularyConfig(name="v", size=400)}, "400 entries"),
        ({"name": "../elsewhere"}, "letters, digits"),
        ({"scale": "a/b"}, "letters, digits"),
        ({"published": "to_code_or_not"}, "did you mean 'to_code_or_not_to_code'"),
        ({"groups": {"code": ()}}, "at least one corpus"),
        ({"groups": {"code": 3}}, "a mapping {text: a tuple"),
    ],
)
def test_bad_studies_are_refused(study, change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(study, **change)


def test_the_vocabulary_must_fit_the_model_of_every_recipe(study):
    def small_vocabulary(setting):
        """Another vocabulary size."""
        own = dataclasses.replace(setting, model=dataclasses.replace(MODEL, vocabulary_size=256))
        return dataclasses.replace(text_only(own), name="small")

    with pytest.raises(UserError, match=r"300 entries and ModelConfig\.vocabulary_size is 256"):
        dataclasses.replace(study, recipes=(text_only, small_vocabulary))


def test_the_folder_names_study_and_scale(study):
    assert study.folder == "small"
    assert dataclasses.replace(study, scale="paper").folder == "small-paper"
    assert dataclasses.replace(study, scale="small").folder == "small"


def test_the_configuration_changes_with_what_is_compared(study):
    same = dataclasses.replace(study)
    assert study.configuration == same.configuration
    for change in (
        {"baseline": "code_25"},
        {"seeds": (0,)},
        {"groups": {"code": ("web",)}},
        {"recipes": (text_only, functools.partial(proportion, share=0.3))},
    ):
        assert dataclasses.replace(study, **change).configuration != study.configuration
