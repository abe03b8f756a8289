import dataclasses
import functools

import numpy as np
import pytest

from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.errors import UserError
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.study.plan import Hardware, make_plan, realised_share, requested_share
from code_ablate.study.recipes import (
    Setting,
    balanced_only,
    balanced_to_text,
    code_to_text,
    proportion,
    text_only,
)
from code_ablate.training.phase import Optimizer, Schedule, phase_stream
from tests.conftest import TINY, FakeStore

CODE = ("markup", "web")
IDENTITIES = {"text": "t", "web": "w", "markup": "m"}


@pytest.fixture
def study():
    setting = Setting(
        model=dataclasses.replace(TINY, vocabulary_size=300),
        text={"text": 1},
        code={"web": 0.8, "markup": 0.2},
        tokens=400 * 64,
        cooldown_tokens=40 * 64,
        batch_windows=4,
        seq_len=16,
        schedule=Schedule(warmup_steps=2),
        continuation=Schedule(peak=5e-4, warmup_steps=2),
        cooldown=Schedule(shape="linear", start="carry", final=1e-6),
        optimizer=Optimizer(),
    )
    return Study(
        name="small",
        setting=setting,
        recipes=(
            text_only,
            balanced_only,
            balanced_to_text,
            code_to_text,
            *(functools.partial(proportion, code_share=s) for s in (0.0, 0.25, 0.5, 1.0)),
        ),
        seeds=(0, 1),
        baseline="text_only",
        suite=SuiteConfig(domains=("text",)),
        vocabulary=VocabularyConfig(name="v", size=256 + 44, corpora=("text",)),
        prepare=PrepareConfig(),
    )


def test_equal_phases_are_trained_once(study):
    graph = PhaseGraph.of(study, IDENTITIES)
    by_arm = {(arm.recipe, arm.seed, arm.stage): arm.identity for arm in graph.arms}
    assert by_arm["text_only", 0, "pretraining"] == by_arm["code_0", 0, "pretraining"]
    assert by_arm["balanced_only", 1, "pretraining"] == by_arm["code_50", 1, "pretraining"]
    assert by_arm["text_only", 0, "pretraining"] != by_arm["text_only", 1, "pretraining"]
    # 8 pre-trainings (of which 2 are of two phases) and 4 cooldowns, less 2 that are shared.
    assert len(graph.phases) == 2 * (8 + 2 + 4 - 2)
    shared = by_arm["text_only", 0, "pretraining"]
    assert graph.users(shared) == ["text_only/0", "code_0/0"]


def test_parents_come_before_their_children(study):
    graph = PhaseGraph.of(study, IDENTITIES)
    seen = set()
    for identity in graph.phases:
        assert graph.parents[identity] is None or graph.parents[identity] in seen
        seen.add(identity)


def test_all_recipes_have_one_budget_and_the_shares_they_say(study):
    windows = {"text": 10_000, "web": 10_000, "markup": 10_000}
    shares = {}
    for recipe in study.recipes_of(0):
        assert sum(p.realised_tokens for p in recipe.pretrained.chain) == 400 * 64
        shares[recipe.name] = requested_share(recipe.pretrained, CODE)
        assert realised_share(recipe.pretrained, windows, CODE) == pytest.approx(
            shares[recipe.name], abs=4 / 1600
        )
        if recipe.cooled:
            assert recipe.cooled.mixture.share_of(CODE) == pytest.approx(0.2)
            assert recipe.cooled.learning_rate(0) == pytest.approx(
                recipe.pretrained.learning_rate(recipe.pretrained.steps - 1)
            )
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


def test_an_odd_number_of_steps_is_one_budget_too(study):
    odd = dataclasses.replace(study, setting=dataclasses.replace(study.setting, tokens=125 * 64))
    for recipe in odd.recipes_of(0):
        assert sum(phase.steps for phase in recipe.pretrained.chain) == 125, recipe.name


def test_a_corpus_on_both_sides_is_refused(study):
    with pytest.raises(UserError, match="stands on the text and on the code side"):
        dataclasses.replace(study.setting, text={"text": 0.9, "markup": 0.1})


def test_recipes_read_the_same_text_in_the_same_order(study):
    windows = dict.fromkeys(IDENTITIES, 10000)

    def text_of(recipe):
        stream = phase_stream(recipe.pretrained, windows, IDENTITIES)
        corpora, rows = stream.at(np.arange(400))
        return rows[corpora == stream.corpora.index("text")]

    text_only_rows, balanced_rows = (text_of(recipe) for recipe in study.recipes_of(0)[:2])
    assert len(balanced_rows) == pytest.approx(200, abs=2)
    np.testing.assert_array_equal(text_only_rows[: len(balanced_rows)], balanced_rows)


def test_the_plan_counts_and_refuses(study, tmp_path):
    stores = {name: FakeStore(i, 120_000, 300) for i, name in enumerate(IDENTITIES)}
    hardware = Hardware("v5e", chips=8, expected_mfu=0.5, peak_flops=1e12)
    plan = make_plan(study, stores, hardware, tmp_path)
    assert sum(row.tokens for row in plan.phases) == 2 * (400 * 6 + 40 * 4) * 64
    assert not plan.problems
    text = str(plan)
    assert "text_only/0, code_0/0 (shared)" in text
    assert "8 x v5e" in text
    corpora = {row.corpus: row for row in plan.corpora}
    assert corpora["text"].requested == (400 + 32) * 64
    assert corpora["text"].epochs == pytest.approx(1728 / 7499, rel=1e-3)
    assert plan.phases[0].seconds == pytest.approx(plan.phases[0].flops / (8 * 1e12 * 0.5))

    small = {**stores, "text": FakeStore(0, 2000, 300)}
    plan = make_plan(study, small, hardware, tmp_path)
    with pytest.raises(UserError, match=r"would read 'text'.*max_epochs"):
        plan.refuse_if_impossible()
    assert "PROBLEM" in str(plan)

    unknown = str(make_plan(study, {}, hardware, tmp_path))
    assert "not prepared" in unknown


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": ()}, "at least one seed"),
        ({"seeds": (0, 0)}, "each once"),
        ({"recipes": ()}, "recipes is empty"),
        ({"recipes": (text_only, text_only)}, "each may occur once"),
        ({"baseline": "text_olny"}, "did you mean 'text_only'"),
        ({"vocabulary": VocabularyConfig(name="v", size=400)}, "400 entries"),
    ],
)
def test_bad_studies_are_refused(study, change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(study, **change)
