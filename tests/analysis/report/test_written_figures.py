"""Texts of a results page name their figures, and are refused where there is no such figure."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from code_ablate.analysis.report.phrases import percent
from code_ablate.analysis.report.study_answers import change_table, read_part, verdict_of
from code_ablate.analysis.report.written_figures import with_figures
from code_ablate.errors import UserError
from tests.analysis.conftest import PRETRAINING

METRIC = "bits_per_byte/demo.text"
DEMO = "{% set demo = study('NAME') %}\n"


@pytest.fixture(scope="module")
def part(three_seeds_dir):
    return read_part(three_seeds_dir)


@pytest.fixture(scope="module")
def written(part):
    def fill(text):
        return with_figures(DEMO.replace("NAME", part.name) + text, [part], "words.md")

    return fill


@pytest.fixture(scope="module")
def comparison(part):
    return next(
        c
        for c in part.report.summary.comparisons
        if (c.place, c.recipe, c.metric.key) == (PRETRAINING, "code_25", METRIC)
    )


def test_a_figure_is_that_of_the_tables(written, part, comparison):
    table = change_table(part, PRETRAINING)
    column = [metric.key for metric in part.report.summary.metrics].index(METRIC) + 1
    rows = {row[0]: row[column] for row in table}
    change = rows["code_25"].removesuffix(" °").strip("*=? ")
    assert written(f"{{{{ demo('code_25', '{METRIC}') }}}}") == change
    brief, amount, verdict = written(
        f"{{% set f = demo('code_25', '{METRIC}') %}}\n"
        "{{ f.brief }}; {{ f.amount('worse') }}; {{ f.verdict }}"
    ).split("; ")
    assert brief == percent(comparison.gain.value) and change.startswith(f"{brief} [")
    assert amount == change.replace("+", "") and not amount.startswith("−")
    assert verdict == verdict_of(comparison)
    baseline = part.report.baseline
    assert (
        written(f"{{{{ demo('{baseline}', '{METRIC}').score }}}}") == (rows[f"{baseline}: scores"])
    )


def test_another_stage_has_figures_of_its_own(written):
    first, later = written(
        f"{{{{ demo('balanced_only', '{METRIC}') }}}}; "
        f"{{{{ demo('balanced_only', '{METRIC}', at='cooldown') }}}}"
    ).split("; ")
    assert first != later


def test_a_recipe_that_is_not_the_baseline_can_be_compared_with(written, part, comparison):
    levels = part.report.summary.levels
    ours, theirs = (
        np.array(levels[PRETRAINING, recipe, METRIC].per_seed) for recipe in ("code_25", "code_100")
    )
    base = theirs.mean()
    low, high = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    expected = [100 * value / base for value in ((ours - theirs).mean(), low, high)]
    text = written(f"{{{{ demo('code_25', '{METRIC}').against('code_100') }}}}")
    numbers = text.replace("−", "-").replace("\u00a0%", "").replace(",", "").strip("]")
    found = [float(number) for number in numbers.replace("[", "").split()]
    assert found == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ study('other') }}", "words.md: the page has no study 'other'; it has "),
        (f"{{{{ demo('code_30', '{METRIC}') }}}}", "has no recipe 'code_30'; it has .*code_25"),
        ("{{ demo('code_25', 'bits/none') }}", "has no metric 'bits/none'; it has .*demo.text"),
        (f"{{{{ demo('code_25', '{METRIC}', at='cool') }}}}", "no stage 'cool'; it has pretrain"),
        (f"{{{{ demo('code_25', '{METRIC}', size='9B') }}}}", "has no size '9B'; it has "),
        (f"{{{{ demo('text_only', '{METRIC}') }}}}", "text_only is the baseline of "),
        (f"{{{{ demo('code_25', '{METRIC}').against('x') }}}}", "has no recipe 'x'; it has "),
        (f"{{{{ demo('code_25', '{METRIC}').against('code_25') }}}}", "compared with itself"),
        (
            f"{{{{ demo('code_25', '{METRIC}').amount('better') }}}}",
            "text says better, and code_25 in .*demo.text of .* after pre-training is .1.6",
        ),
        (f"{{{{ demo('code_25', '{METRIC}').amount('up') }}}}", "no direction 'up'; it has worse"),
        (f"{{{{ demo('code_25', '{METRIC}').expected('even') }}}}", "no outcome 'even'; it has "),
        ("{{ study }}", "words.md: study is to be called"),
        ("{{ demo }}", "words.md: StudyFigures is to be called"),
        (f"{{{{ demo('code_25', '{METRIC}').against }}}}", "words.md: against is to be called"),
        ("{{ 5 | xmlattr }}", "words.md: 'int' object has no attribute 'items'"),
        (f"{{{{ demo('code_25', '{METRIC}').verdickt }}}}", "words.md: .*no attribute 'verdickt'"),
        ("{{ demo('code_25') }}", "words.md: .*missing 1 required positional argument: 'metric'"),
        ("{{ nothing }}", "words.md: 'nothing' is undefined"),
        ("one\n{{ demo(", "words.md, line 3: "),
    ],
)
def test_what_is_no_figure_is_refused(written, text, message):
    with pytest.raises(UserError, match=message):
        written(text)


@pytest.mark.parametrize("better", [True, False])
def test_words_that_are_not_so_are_refused(part, comparison, better):
    """A figure is what the text expects of it, or there is no page."""
    certain = next(
        c
        for c in part.report.summary.comparisons
        if c.verdict() == "different"
        and (c.change.value < 0) == (c.metric.lower_is_better == better)
    )
    open_one = next(c for c in part.report.summary.comparisons if c.verdict() == "cannot say")
    outcome, other = ("better", "worse") if better else ("worse", "better")
    for found, right, wrong in (
        (certain, outcome, [other, "equivalent", "cannot say"]),
        (open_one, "cannot say", ["worse", "better", "equivalent"]),
    ):
        figure = (
            f"{{{{ study('{part.name}')('{found.recipe}', '{found.metric.key}', "
            f"at='{found.place.stage}').expected('OUTCOME') }}}}"
        )
        assert "[" in with_figures(figure.replace("OUTCOME", right), [part], "words.md")
        for said in wrong:
            with pytest.raises(UserError, match=f"the text says {said}, and {found.recipe} in .*"):
                with_figures(figure.replace("OUTCOME", said), [part], "words.md")


def test_a_study_that_is_not_complete_has_no_verdicts(part):
    early = dataclasses.replace(
        part, missing=("code_25, 1M, pretraining: seed 3",), missing_count=1
    )
    figure = f"{{{{ study('{part.name}')('code_25', '{METRIC}').verdict }}}}"
    assert with_figures(figure, [early], "words.md") == "not judged yet"
    assert with_figures(figure, [part], "words.md") != "not judged yet"


def test_what_no_hypothesis_named_is_exploratory(part):
    figure = f"{{{{ study('{part.name}')('code_25', '{METRIC}').exploratory }}}}"
    assert with_figures(figure, [part], "words.md") == "True"  # nothing was frozen


def test_a_page_without_studies_has_no_figures():
    with pytest.raises(UserError, match="the page has no study 'demo'; it has none"):
        with_figures("{{ study('demo') }}", [], "words.md")


def test_a_study_of_several_sizes_asks_for_one(tmp_path, make_study):
    sizes = {"1M": 1_000_000, "4M": 4_000_000}
    part = read_part(make_study(tmp_path, sizes=sizes, seeds=(0, 1), items=20))
    figure = f"{{{{ study('{part.name}')('code_25', '{METRIC}'SIZE) }}}}"
    with pytest.raises(UserError, match="has several sizes: name one of 1M and 4M"):
        with_figures(figure.replace("SIZE", ""), [part], "words.md")
    assert "%" in with_figures(figure.replace("SIZE", ", size='4M'"), [part], "words.md")


def test_a_study_without_results_has_no_figures(part):
    unborn = type(part)("unborn", "runs/study-unborn", None, None, (), 0, 0)
    with pytest.raises(UserError, match=r"words\.md: the study unborn has no results yet"):
        with_figures("{{ study('unborn') }}", [part, unborn], "words.md")


def test_text_without_figures_stays_as_it_is(part):
    text = "Half of <it>, 100 % & more: {not a figure} — “so”.\n"
    assert with_figures(text, [part], "limits.md") == text
