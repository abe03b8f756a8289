"""The studies of docs/results.md: what they compare, and that they share what they can."""

import functools
import re
import shlex
from pathlib import Path

import pytest

from code_ablate import config
from code_ablate.jobs.mixture_law import begin_design, read_region
from code_ablate.study.graph import PhaseGraph

GIN = Path(__file__).resolve().parents[2] / "gin"
SCALE = "small_ladder"
CONTROLS = {
    "names_scrambled",
    "comments_only",
    "structure_only",
    "lines_shuffled",
    "prose_repeated",
    "dyck",
}


@functools.cache
def load(name):
    return config.load_study(name, None if name == "code_mixtures" else SCALE)


def phases(study):
    return set(PhaseGraph.of(study, {corpus: corpus for corpus in study.corpora}).phases)


def test_the_arms_are_those_of_the_question():
    study = load("what_code_does")
    assert len(study.seeds) == 5 and study.baseline == "text" and study.margin > 0
    shares = {f"code_{share}" for share in (10, 25, 50, 75, 100)}
    order = {"text_to_text", "balanced_to_text", "code_to_text", "code_in_cooldown"}
    others = {"text", "half_text", "text_with_code", "synthetic_10"}
    assert set(study.recipe_descriptions) == shares | order | others | CONTROLS
    stages = {}
    for arm in study.arms:
        stages.setdefault(arm.recipe, set()).add(arm.stage)
    cooled = {name for name, found in stages.items() if "cooldown" in found}
    assert cooled == {"text", *shares, *order}
    assert stages["code_in_cooldown"] == {"cooldown"}


def test_text_is_free_of_code_and_the_cooldown_is_the_same_for_all():
    for arm, phase in load("what_code_does").arms.items():
        if arm.recipe in ("text", "text_to_text", "half_text"):
            assert set(phase.corpora_read) == {"registry.text"}, arm
        if arm.stage == "cooldown" and arm.recipe != "code_in_cooldown":
            assert phase.mixture.active == {"registry.text": 1.0}, arm


@pytest.mark.parametrize("other", ["what_in_code", "what_code_does_by_size"])
def test_phases_of_the_smallest_size_are_trained_once_for_all_studies(other):
    ours, own = phases(load("what_code_does")), load(other)
    smallest = next(iter(own.models))
    graph = PhaseGraph.of(own, {corpus: corpus for corpus in own.corpora})
    small = {name for arm in own.arms if arm.size == smallest for name in graph.chain(arm)}
    assert small and small <= ours


def test_the_scales_own_learning_rate_is_trained_once():
    assert len(phases(load("what_code_does_by_rate")) & phases(load("what_code_does"))) == 9


def test_the_third_size_compares_what_the_others_do_with_as_many_tokens_for_each_parameter():
    study = load("what_code_does_at_865k")
    assert list(study.models) == ["865K"] and study.seeds == (0, 1, 2)
    [setting] = study.settings
    assert setting.tokens == pytest.approx(10 * 864_768, rel=1e-3)
    read = {arm.recipe: phase.mixture.active for arm, phase in study.arms.items()}
    code = {"registry.text": 0.5, "registry.web_code": 0.5}
    assert read == {"text": {"registry.text": 1.0}, "code_50": code}
    assert {arm.stage for arm in study.arms} == {"pretraining"}


def test_every_size_has_as_many_tokens_for_each_parameter():
    study = load("what_code_does_by_size")
    assert len(study.models) == 3 and len(study.seeds) == 3
    for setting in study.settings:
        parameters = int(re.sub(r"\D", "", f"{setting.tokens}")) / 10
        name, unit = re.fullmatch(r"([\d.]+)([KM])", setting.size_name).groups()
        assert parameters == pytest.approx(float(name) * {"K": 1e3, "M": 1e6}[unit], rel=5e-3)


def test_the_mixtures_are_those_that_the_design_proposes():
    text = (GIN / "studies/code_mixtures.gin").read_text()
    command = text[text.index("code-ablate design") : text.index("--out")].replace("#", " ")
    words = shlex.split(command.replace("\\\n", " "))
    corpora = words[words.index("--begin") + 1 : words.index("--runs")]
    bounds = [words[i + 1] for i, word in enumerate(words) if word == "--constraint"]
    runs = int(words[words.index("--runs") + 1])
    proposed = begin_design(read_region(corpora, bounds), runs)
    study = load("code_mixtures")
    roles = study.settings[0].roles
    found = {arm.recipe: phase.mixture.active for arm, phase in study.arms.items()}
    assert 5 <= len(corpora) <= 8 and runs >= 40 and len(found) == runs + 3
    for number, parts_C in enumerate(proposed.parts_BC, 1):
        mixture = found[f"mixture_{number:02}"]
        shares = [mixture.get(next(iter(roles[corpus].active)), 0.0) for corpus in corpora]
        assert shares == pytest.approx(list(parts_C / 10_000)), number
    for name in ("mixture_01", "mixture_08", "mixture_48"):
        assert found[f"{name}_again"] == found[name]
    assert len(phases(study)) == runs + 3
