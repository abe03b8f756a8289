"""The first sections: three sentences with verdicts, and the phases as a graph."""

import re

import pytest

from code_ablate.analysis.estimation.estimates import CANNOT_SAY, DIFFERENT, EQUIVALENT, Settings
from code_ablate.analysis.report.content import read_report
from code_ablate.analysis.report.headline import headline
from code_ablate.analysis.report.phase_graph import phase_graph
from code_ablate.analysis.report.phrases import scientific, size_range
from tests.analysis.conftest import SIZE

SMALL = {"recipes": ("text_only", "code_100", "balanced_to_text"), "items": 40}


def test_three_sentences_say_the_largest_gain_and_loss_and_what_stays_open(three_seeds_dir):
    report = read_report(three_seeds_dir, Settings())
    gain, loss, rest = headline(report, report.results.sizes[0])
    certain = [c for c in report.summary.comparisons if c.certain()]
    for sentence, better in ((gain, True), (loss, False)):
        largest = max((c for c in certain if c.better == better), key=lambda c: abs(c.change.value))
        assert sentence.verdict == DIFFERENT
        for part in (largest.recipe, largest.metric.label, size_range(largest)):
            assert part in sentence.text
    assert " lowers bits per byte" in gain.text and " raises bits per byte" in loss.text
    left = len(report.summary.comparisons) - len(certain)
    assert rest.verdict == CANNOT_SAY
    assert f"{left} of {len(report.summary.comparisons)} comparisons stay open" in rest.text
    assert "reasoning" in rest.text and "demo.text" not in rest.text  # on which some are decided


def test_without_three_seeds_nothing_is_called_different(study_dir):
    report = read_report(study_dir, Settings())
    sentences = headline(report, report.results.sizes[0])
    assert [s.verdict for s in sentences] == [CANNOT_SAY] * 3
    assert "No recipe is shown to be better than text_only" in sentences[0].text
    assert "fewer than three seeds" in sentences[2].text


def test_what_lies_within_the_margin_is_counted(three_seeds_dir):
    report = read_report(three_seeds_dir, Settings(margin=0.9))
    rest = headline(report, report.results.sizes[0])[-1]
    verdicts = [c.verdict() for c in report.summary.comparisons]
    assert (count := verdicts.count(EQUIVALENT)) > 0
    assert f"{count} of {len(verdicts)} comparisons are equivalent within" in rest.text
    assert rest.verdict == (CANNOT_SAY if CANNOT_SAY in verdicts else EQUIVALENT)


def test_a_size_is_said_by_its_direction_in_words():
    text = scientific(1.702e13)
    assert text == "1.7\u00a0×\u00a010¹³" and scientific(2e-4) == "2.0\u00a0×\u00a010⁻⁴"


def test_phases_of_all_seeds_are_one_box_and_arrows_join_those_that_continue(study_dir):
    report = read_report(study_dir, Settings())
    graph = phase_graph(report, SIZE)
    chains = {arm.arm.recipe: arm.phases for arm in report.results.last_arms if arm.arm.seed == 0}
    assert len(graph.boxes) == len({phase for chain in chains.values() for phase in chain})
    assert all(box.title.endswith(" × 2") for box in graph.boxes)
    assert len(graph.arrows) == sum(
        len({(chain[i], chain[i + 1]) for chain in chains.values() if len(chain) > i + 1})
        for i in range(2)
    )
    corners = {(box.x, box.y) for box in graph.boxes}
    assert len(corners) == len(graph.boxes)
    for x, y, to_x, to_y in graph.arrows:
        middle = graph.box_height / 2
        assert (round(x - graph.box_width), round(y - middle)) in {
            (round(a), round(b)) for a, b in corners
        }
        assert (round(to_x), round(to_y - middle)) in {(round(a), round(b)) for a, b in corners}
    named = " ".join(name for _, _, name in graph.names)
    assert all(recipe in named for recipe in chains)


def test_a_shared_phase_stands_once_and_a_recipe_that_ends_early_keeps_its_name(
    tmp_path, make_study
):
    def change(study, table):
        """code_100 is text_only without its cooldown, and balanced_only shares its first phase."""
        for arm in study["arms"]:
            if arm["arm"]["recipe"] in ("code_100", "balanced_only"):
                base = next(
                    a
                    for a in study["arms"]
                    if a["arm"] == {**arm["arm"], "recipe": "text_only", "stage": "pretraining"}
                )
                arm["phases"] = [base["phase"], *arm["phases"][1:]]
                arm["phase"] = arm["phases"][-1]

    recipes = ("text_only", "balanced_only", "code_100")
    study = make_study(tmp_path / "a", recipes=recipes, items=10, change=change)
    graph = phase_graph(read_report(study, Settings()), SIZE)
    assert len([box for box in graph.boxes if box.x == 0]) == 1
    assert len(graph.boxes) == 3 and len(graph.arrows) == 3  # the last one leads to a name
    assert {name for _, _, name in graph.names} == set(recipes)
    assert len({(x, y) for x, y, _ in graph.names}) == 3


def test_the_graph_says_the_share_of_the_source(page, study_dir):
    report = read_report(study_dir, Settings())
    svg = page[page.index('class="graph"') :]
    svg = svg[: svg.index("</svg>")]
    shares = re.findall(r">(\d+) %</text>", svg)
    expected = [round(100 * box.share) for box in phase_graph(report, SIZE).boxes]
    assert list(map(int, shares)) == expected and len(set(expected)) > 3


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_a_study_of_two_recipes_has_an_answer(tmp_path, make_study, seeds):
    study = make_study(tmp_path / "a", recipes=("text_only", "code_25"), seeds=seeds, items=20)
    report = read_report(study, Settings())
    assert len(headline(report, report.results.sizes[0])) == 3
