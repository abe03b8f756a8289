"""The reference study's recipes, at every scale: tokens and shares of each phase, as published.

The table is arXiv 2408.10914's, in parts of the budget (400B tokens of pre-training) and in roles:
what plays them is each scale's.
"""

import functools

import pytest

from code_ablate import config
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.plan import requested_shares

SCALES = ("demo", "registry", "paper_470m", "paper_2.8b")


def text_with(code: float, synthetic: float = 0.0) -> dict[str, float]:
    """Text with a share of code, 80 % of it from the web and 20 % markup, but for the synthetic."""
    plain = code * (1 - synthetic)
    return {
        "text": 1 - code,
        "web_code": 0.8 * plain,
        "markup": 0.2 * plain,
        "synthetic": code * synthetic,
    }


def cooldown(code: float = 0.2) -> tuple[str, dict[str, float]]:
    return "cooldown", {"cooldown": 1 - code, "web_code": 0.8 * code, "markup": 0.2 * code}


WHOLE, HALF = 1.0, 0.5
BALANCED_TO_TEXT = [(HALF, text_with(0.5)), (HALF, text_with(0.1))]
SYNTHETIC_TO_TEXT = [(HALF, text_with(0.5, synthetic=0.1)), (HALF, text_with(0.1))]

PUBLISHED = {
    "initialization": {
        "text_only": [(WHOLE, text_with(0)), cooldown()],
        "balanced_only": [(WHOLE, text_with(0.5)), cooldown()],
        "balanced_to_text": [*BALANCED_TO_TEXT, cooldown()],
        "code_to_text": [(HALF, text_with(1)), (HALF, text_with(0.1)), cooldown()],
    },
    "scale": {
        "balanced_only": [(WHOLE, text_with(0.5))],
        "balanced_to_text": BALANCED_TO_TEXT,
        "code_to_text": [(HALF, text_with(1)), (HALF, text_with(0.1))],
    },
    "proportion": {
        "base_only": [(HALF, text_with(0))],
        "code_25": [(HALF, text_with(0.25))],
        "code_50": [(HALF, text_with(0.5))],
        "code_75": [(HALF, text_with(0.75))],
        "code_90": [(HALF, text_with(0.9))],
        "code_100": [(HALF, text_with(1))],
    },
    "quality_scratch": {
        "web_code": [(HALF, {"web_code": 1})],
        "with_markup": [(HALF, {"web_code": 0.8, "markup": 0.2})],
        "with_adjacent": [(HALF, {"web_code": 0.85, "adjacent": 0.15})],
        "with_synthetic": [(HALF, {"web_code": 0.9, "synthetic": 0.1})],
    },
    "quality_continued": {
        "balanced_to_text": BALANCED_TO_TEXT,
        "balanced+synthetic_to_text": SYNTHETIC_TO_TEXT,
    },
    "cooldown": {
        "no_cooldown": SYNTHETIC_TO_TEXT,
        "cooldown_without_code": [*SYNTHETIC_TO_TEXT, cooldown(0)],
        "cooldown_with_code": [*SYNTHETIC_TO_TEXT, cooldown(0.2)],
    },
    "final_recipes": {
        "text_only": [(WHOLE, text_with(0)), cooldown()],
        "balanced_only": [(WHOLE, text_with(0.5)), cooldown()],
        "balanced_to_text": [*SYNTHETIC_TO_TEXT, cooldown()],
        "code_to_text": [(HALF, text_with(1, synthetic=0.1)), (HALF, text_with(0.1)), cooldown()],
    },
}
"""Study -> recipe -> its phases: part of the budget, or "cooldown", and share of each role."""

BEYOND = {
    "code_free": {"text_only", "code_free", "same_text", "balanced_only", "balanced_to_text"},
    "boundary": {"text_to_text", "balanced_to_text", "code_to_text"},
    "learning_rates": {"text_only", "balanced_only", "balanced_to_text", "code_to_text"},
    "languages": None,  # the scale's
    "proportion_by_scale": {"base_only", "code_10", "code_25", "code_50", "code_75"},
    "seed_parts": {"base_only", "code_50"},
    "controls": {
        *("base_only", "code", "names_scrambled", "comments_removed", "comments_only"),
        *("structure_only", "tokens_shuffled", "lines_shuffled", "prose_repeated"),
        *("dyck", "shuffle_dyck"),
    },
}
"""Studies that go beyond it, with the names of their recipes."""


@functools.cache
def load(name, scale):
    return config.load_study(name, scale)


def corpora_of(roles, setting):
    """Share of each corpus, where roles have these shares."""
    rates = {}
    sides = {"text": setting.base_mixture, "cooldown": setting.cooldown_mixture}
    for role, share in roles.items():
        for corpus, rate in (sides.get(role) or setting.roles[role]).active.items():
            rates[corpus] = rates.get(corpus, 0) + share * rate
    return {corpus: rate for corpus, rate in rates.items() if rate > 1e-12}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", PUBLISHED)
def test_phases_are_those_of_the_paper(name, scale):
    study = load(name, scale)
    assert set(study.recipe_descriptions) == set(PUBLISHED[name])
    assert study.published == "to_code_or_not_to_code"
    settings = {setting.size_name: setting for setting in study.settings}
    last = {(arm.recipe, arm.size, arm.seed): phase for arm, phase in study.arms.items()}
    assert len(last) == len(PUBLISHED[name]) * len(settings) * len(study.seeds)
    for (recipe, size, _), phase in last.items():
        setting, expected = settings[size], PUBLISHED[name][recipe]
        assert len(phase.chain) == len(expected), recipe
        batch = setting.batch_windows * setting.seq_len
        for part, (budget, roles) in zip(phase.chain, expected, strict=True):
            tokens = setting.cooldown_tokens if budget == "cooldown" else budget * setting.tokens
            # A phase is a whole number of steps, and two are one budget.
            assert abs(part.realised_tokens - tokens) <= batch, (recipe, part.name)
            assert part.mixture.active == pytest.approx(corpora_of(roles, setting), abs=1e-9)


def test_the_papers_budgets_are_its_steps():
    steps = {}
    for name in PUBLISHED:
        for arm, phase in load(name, "paper_470m").arms.items():
            steps[name, arm.recipe] = [part.steps for part in phase.chain]
    assert steps["initialization", "text_only"] == [95_367, 9_537]
    assert steps["initialization", "code_to_text"] == [47_684, 47_683, 9_537]
    assert steps["quality_scratch", "web_code"] == [47_684]
    for part in load("initialization", "paper_470m").phases:
        assert (part.batch_windows, part.seq_len) == (512, 8192)
        if part.parent is None:
            assert part.learning_rate(1324) == pytest.approx(1e-3)
    (cooled,) = [
        phase
        for arm, phase in load("cooldown", "paper_470m").arms.items()
        if arm.recipe == "cooldown_with_code"
    ]
    assert cooled.learning_rate(9_536) == pytest.approx(1e-6)


def test_the_papers_sizes_are_its_models():
    models = load("scale", "paper_2.8b").models
    assert {name: (m.d_model, m.layers, m.heads) for name, m in models.items()} == {
        "468M": (1024, 16, 8),
        "2.79B": (2560, 24, 20),
    }
    # What belongs to the hardware is the hardware file's for both.
    assert {model.attention for model in models.values()} == {"splash"}
    assert {model.remat for model in models.values()} == {"attention_qk"}


def test_the_registrys_ladder_goes_from_0_3_to_60_million():
    study = load("scale", "registry")
    assert list(study.models) == ["316K", "926K", "3M", "10.2M", "31.1M", "59.7M"]
    for arm, phase in study.arms.items():
        parameters = {"316K": 315_520, "59.7M": 59_654_592}.get(arm.size)
        if parameters:
            tokens = sum(part.realised_tokens for part in phase.chain)
            assert tokens == pytest.approx(20 * parameters, rel=0.01)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", BEYOND)
def test_studies_beyond_the_paper(name, scale):
    study = load(name, scale)
    assert len(study.seeds) >= 3
    recipes = BEYOND[name]
    if name == "languages":
        languages = [r for r in study.settings[0].roles if r.startswith("language.")]
        recipes = {"base_only", *(role.removeprefix("language.") for role in languages)}
        assert len(languages) >= 4
    assert set(study.recipe_descriptions) == recipes


@pytest.mark.parametrize("scale", SCALES)
def test_code_free_is_free_of_code_from_end_to_end(scale):
    study = load("code_free", scale)
    setting = study.settings[0]
    code = {*setting.roles["web_code"].active, *setting.roles["markup"].active}
    code |= {*setting.roles["adjacent"].active, *setting.roles["synthetic"].active}
    for arm, phase in study.arms.items():
        read = set(phase.corpora_read)
        assert (read & code == set()) == (
            arm.recipe in ("code_free", "same_text") or (arm.recipe, arm.stage) ==
            ("text_only", "pretraining")
        ), arm  # fmt: skip
    tokens = {
        arm.recipe: (sum(p.realised_tokens for p in phase.chain), requested_shares(phase,
                     study.share_groups)["code"])
        for arm, phase in study.arms.items() if arm.stage == "pretraining"
    }  # fmt: skip
    assert tokens["text_only"] == (tokens["balanced_only"][0], 0.0)
    text = tokens["balanced_only"][0] * (1 - tokens["balanced_only"][1])
    assert tokens["same_text"][0] == pytest.approx(text, rel=1e-3)


def test_the_boundary_is_a_factor_and_what_stands_before_it_is_trained_once():
    study = load("boundary", "demo")
    graph = PhaseGraph.of(study, {corpus: corpus for corpus in study.corpora})
    first = [p for name, p in graph.phases.items() if graph.parents[name] is None]
    assert len(first) == len(study.recipes) * len(study.seeds)
    assert len(graph.phases) == 4 * len(first)
    starts = {arm.size: phase.learning_rate(10) for arm, phase in study.arms.items()}
    assert starts["1.07M, rate carried on"] == pytest.approx(4e-4)
    assert starts["1.07M, rate restarted"] > 1.9e-3


def test_learning_rates_are_a_factor_on_every_recipe():
    study = load("learning_rates", "demo")
    peaks = {}
    for arm, phase in study.arms.items():
        peaks.setdefault(arm.size, set()).add(phase.chain[0].schedule.peak)
    assert peaks == {
        "1.07M, learning_rate 0.5": {2e-3},
        "1.07M, learning_rate 1": {4e-3},
        "1.07M, learning_rate 2": {8e-3},
    }


def test_seed_parts_are_crossed():
    study = load("seed_parts", "demo")
    seeds = [
        (phase.seed_of_parameters, phase.seed)
        for arm, phase in study.arms.items()
        if arm.recipe == study.baseline
    ]
    assert sorted(seeds) == [(i, o) for i in range(4) for o in range(4)]
    graph = PhaseGraph.of(study, {corpus: corpus for corpus in study.corpora})
    assert len(graph.phases) == 2 * 16


def test_points_of_the_sweep_are_the_first_phases_of_recipes():
    """200B tokens at 50 and 100 % code: a study that has run has trained them for the other."""
    stores = {corpus: corpus for corpus in load("proportion", "demo").corpora}
    sweep = PhaseGraph.of(load("proportion", "demo"), stores)
    recipes = PhaseGraph.of(load("initialization", "demo"), stores)
    shared = set(sweep.phases) & set(recipes.phases)
    assert len(shared) == 2 * len(load("proportion", "demo").seeds)
