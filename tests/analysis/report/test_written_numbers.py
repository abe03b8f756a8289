"""Texts of a results page name their numbers, and are refused where there is no such number."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from code_ablate.analysis.report.phrases import percent
from code_ablate.analysis.report.study_answers import change_table, read_part, verdict_of
from code_ablate.analysis.report.written_numbers import with_numbers
from code_ablate.analysis.results.frozen import FrozenPlan
from code_ablate.errors import UserError
from tests.analysis.conftest import PRETRAINING
from tests.analysis.results.test_frozen import ENTRY

METRIC = "bits_per_byte/demo.text"
DEMO = "{% set demo = study('NAME') %}\n"


@pytest.fixture(scope="module")
def part(three_seeds_dir):
    return read_part(three_seeds_dir)


@pytest.fixture(scope="module")
def written(part):
    def fill(text):
        return with_numbers(DEMO.replace("NAME", part.name) + text, [part], "words.md")

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
        ("{{ demo }}", "words.md: StudyNumbers is to be called"),
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
    """A number is what the text expects of it, or there is no page."""
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
        number = (
            f"{{{{ study('{part.name}')('{found.recipe}', '{found.metric.key}', "
            f"at='{found.place.stage}').expected('OUTCOME') }}}}"
        )
        assert "[" in with_numbers(number.replace("OUTCOME", right), [part], "words.md")
        for said in wrong:
            with pytest.raises(UserError, match=f"the text says {said}, and {found.recipe} in .*"):
                with_numbers(number.replace("OUTCOME", said), [part], "words.md")


def test_a_study_that_is_not_complete_has_no_verdicts(part):
    early = dataclasses.replace(
        part, missing=("code_25, 1M, pretraining: seed 3",), missing_count=1
    )
    number = f"{{{{ study('{part.name}')('code_25', '{METRIC}').verdict }}}}"
    assert with_numbers(number, [early], "words.md") == "not judged yet"
    assert with_numbers(number, [part], "words.md") != "not judged yet"


def test_what_no_hypothesis_named_is_exploratory(part):
    entry = dataclasses.replace(ENTRY, hypotheses=(f"code_25 {METRIC} worse",), after_results=False)
    frozen = dataclasses.replace(part, frozen=FrozenPlan((entry,)))
    for asked, recipe, expected in (
        (part, "code_25", "True"),  # nothing was frozen
        (frozen, "code_25", "False"),
        (frozen, "code_100", "True"),
    ):
        number = f"{{{{ study('{part.name}')('{recipe}', '{METRIC}').exploratory }}}}"
        assert with_numbers(number, [asked], "words.md") == expected


def test_a_page_without_studies_has_no_figures():
    with pytest.raises(UserError, match="the page has no study 'demo'; it has none"):
        with_numbers("{{ study('demo') }}", [], "words.md")


def test_a_study_of_several_sizes_asks_for_one(tmp_path, make_study):
    sizes = {"1M": 1_000_000, "4M": 4_000_000}
    part = read_part(make_study(tmp_path, sizes=sizes, seeds=(0, 1), items=20))
    number = f"{{{{ study('{part.name}')('code_25', '{METRIC}'SIZE) }}}}"
    with pytest.raises(UserError, match="has several sizes: name one of 1M and 4M"):
        with_numbers(number.replace("SIZE", ""), [part], "words.md")
    assert "%" in with_numbers(number.replace("SIZE", ", size='4M'"), [part], "words.md")


def test_a_study_without_results_has_no_figures(part):
    unborn = type(part)("unborn", "runs/study-unborn", None, None, (), 0, 0)
    with pytest.raises(UserError, match=r"words\.md: the study unborn has no results yet"):
        with_numbers("{{ study('unborn') }}", [part, unborn], "words.md")


def test_text_without_figures_stays_as_it_is(part):
    text = "Half of <it>, 100 % & more: {not a number} — “so”.\n"
    assert with_numbers(text, [part], "limits.md") == text
