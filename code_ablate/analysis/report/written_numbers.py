"""Numbers that the written texts of a page of results name, filled in from its studies.

    with_numbers("Half code: {{ study('demo')('code_50', 'accuracy/reasoning') }}", [part],
                 "words.md")                          # "Half code: +1.2 % [−0.3, +2.7]"

A number that is filled in cannot be another than the tables say, and none of earlier tables; the
words around it can, unless they say what they expect (`Number.expected`, `Number.amount`).
`study(NAME)` is a study by the name that the page gives it. Called with a recipe and the key of a
metric as in hypotheses, with a size where there are several and a stage (`at`) where it is not the
first, it gives a `Number`. `page(NAME)` is another page beside this one (`earlier_page`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from etils import epath
from scipy import special

from code_ablate.analysis.estimation.estimates import (
    CANNOT_SAY,
    DIFFERENT,
    EQUIVALENT,
    Comparison,
    Estimate,
    Metric,
)
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.earlier_page import EarlierPage
from code_ablate.analysis.report.phrases import (
    bare,
    change_range,
    interval,
    joined,
    percent,
    size_range,
)
from code_ablate.analysis.report.rendering import fill_in
from code_ablate.analysis.report.study_answers import Part, verdict_of, written_score
from code_ablate.errors import UserError

_DIRECTIONS = ("worse", "better")


def with_numbers(
    text: str, parts: Sequence[Part], where: str, beside: epath.PathLike = "page"
) -> str:
    """A text with its numbers. `where`: its file, for messages; `beside`: the page's folder.

    Raises UserError for a number that the studies do not have, and for a text that is no template.
    """

    def study(name: str) -> StudyNumbers:
        found = {part.name: part for part in parts}
        _check("study", name, found, "the page")
        if found[name].report is None:
            raise UserError(f"the study {name} has no results yet.")
        return StudyNumbers(found[name])

    def page(name: str) -> EarlierPage:
        own = epath.Path(beside)
        if name == own.name:
            raise UserError(f"{name} is this page itself: its numbers are those of study(NAME).")
        return EarlierPage.read(own.parent / name)

    return fill_in(text, where, {"study": study, "page": page})


@dataclass(frozen=True)
class StudyNumbers:
    """The numbers of a study that has results."""

    part: Part
    """The study on the page."""

    @property
    def name(self) -> str:
        """Its name on the page."""
        return self.part.name

    @property
    def complete(self) -> bool:
        """Whether all arms that were planned have results."""
        return not self.part.missing_count

    @property
    def report(self) -> Report:
        """What its results say."""
        assert self.part.report is not None, "asked of a study that has results"
        return self.part.report

    def __call__(self, recipe: str, metric: str, *, at: str = "", size: str = "") -> "Number":
        """Those of a recipe by a metric; UserError for what the study does not have.

        `at`: stage, by default the first. `size`: size, which need not be named if there is one.
        """
        results = self.report.results
        sizes = [one.name for one in results.sizes]
        if not size and len(sizes) > 1:
            raise UserError(
                f"{self.name} has several sizes: name one of {joined(sizes)} as `size`."
            )
        size = size or sizes[0]
        _check("size", size, sizes, self.name)
        places = {place.stage: place for place in self.report.places if place.size == size}
        at = at or next(iter(places))
        _check("stage", at, places, f"{self.name} at {size}")
        metrics = {found.key: found for found in self.report.summary.metrics}
        _check("metric", metric, metrics, self.name)
        number = Number(self, recipe, metrics[metric], places[at])
        number.check_recipe(recipe)
        return number


@dataclass(frozen=True)
class Number:
    """What the results say of a recipe at a place by a metric, as texts write it.

    As text it is the change against the baseline with its interval.
    """

    study: StudyNumbers
    """The study that it is of."""
    recipe: str
    """The recipe."""
    metric: Metric
    """The metric."""
    place: Place
    """Size and stage."""

    def __str__(self) -> str:
        return change_range(self._comparison)

    @property
    def brief(self) -> str:
        """The same without its interval: "+8.5 %"."""
        return str(self).partition(" [")[0]

    def amount(self, direction: str) -> str:
        """The same where words say its direction, "worse" or "better": "8.5 % [7.9, 9.2]".

        Raises UserError where it is the other one.
        """
        _check("direction", direction, _DIRECTIONS, "a text")
        if direction != self._direction:
            raise UserError(f"the text says {direction}, and {self._where} is {self}.")
        return size_range(self._comparison)

    def expected(self, outcome: str) -> "Number":
        """The same, where what is said of it is so; UserError where it is not.

        `outcome`: "worse" or "better", which holds of a difference that is certain, "equivalent" or
        "cannot say".
        """
        _check("outcome", outcome, (*_DIRECTIONS, EQUIVALENT, CANNOT_SAY), "a text")
        verdict = self._comparison.verdict()
        found = self._direction if verdict == DIFFERENT else verdict
        if outcome != found:
            raise UserError(f"the text says {outcome}, and {self._where} is {found} ({self}).")
        return self

    @property
    def verdict(self) -> str:
        """ "different", "different, within the margin", "equivalent" or "cannot say".

        "not judged yet" where arms of the study are missing.
        """
        return verdict_of(self._comparison) if self.study.complete else "not judged yet"

    @property
    def exploratory(self) -> bool:
        """Whether no hypothesis that was frozen before the results names the comparison."""
        return not self.study.part.named(self._comparison)

    @property
    def score(self) -> str:
        """The recipe's own score, over its seeds: "2.060"."""
        return written_score(self._level(self.recipe), self.metric)

    def against(self, other: str) -> str:
        """The change against a recipe that is not the baseline, in percent of it.

        With the interval of 95 % of Student's t over the seeds that both have: exploratory, in no
        family of comparisons, and with the items as given.
        """
        self.check_recipe(other)
        if other == self.recipe:
            raise UserError(f"{self.recipe} is compared with itself.")
        ours, theirs = (
            dict(zip(level.seeds, level.per_seed, strict=True))
            for level in (self._level(self.recipe), self._level(other))
        )
        seeds = [seed for seed in ours if seed in theirs]
        if len(seeds) < 2:
            raise UserError(
                f"{self.recipe} and {other} of {self.study.name} have {len(seeds)} seeds in "
                "common: an interval over seeds takes two."
            )
        differences_S = np.array([ours[seed] - theirs[seed] for seed in seeds])
        base = np.mean([theirs[seed] for seed in seeds])
        if not base:
            raise UserError(f"{other} scores 0 in {self.metric.key}: there is no part of that.")
        error = differences_S.std(ddof=1) / len(seeds) ** 0.5
        value = differences_S.mean() / base
        half = -special.stdtrit(len(seeds) - 1, 0.025) * error / abs(base)
        return f"{percent(value)} {interval(value - half, value + half, bare)}"

    def check_recipe(self, recipe: str) -> None:
        """Raises UserError for a recipe that the place does not have."""
        report = self.study.report
        where = f"{self.study.name} {report.title(self.place)}"
        _check("recipe", recipe, report.results.recipes_at(self.place), where)

    @property
    def _direction(self) -> str:
        change = self._comparison.change.value
        if not change:
            return "neither"
        return "better" if (change < 0) == self.metric.lower_is_better else "worse"

    @property
    def _where(self) -> str:
        report = self.study.report
        return f"{self.recipe} in {self.metric.key} of {self.study.name} {report.title(self.place)}"

    @property
    def _comparison(self) -> Comparison:
        found = self.study.report.summary.comparison(self.place, self.recipe, self.metric)
        if found is None:
            raise UserError(
                f"{self.recipe} is the baseline of {self.study.name}, or has no seed in common "
                "with it: it has a score, and no change."
            )
        return found

    def _level(self, recipe: str) -> Estimate:
        return self.study.report.summary.level(self.place, recipe, self.metric)


def _check(noun: str, name: str, known: Iterable[str], where: str) -> None:
    names = list(known)
    if name not in names:
        there = f"it has {joined(names)}" if names else "it has none"
        raise UserError(f"{where} has no {noun} {name!r}; {there}.")
