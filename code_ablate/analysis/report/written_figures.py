"""Figures that the written texts of a page of results name, filled in from its studies.

    with_figures("Half code: {{ study('demo')('code_50', 'accuracy/reasoning') }}", [part],
                 "words.md")                          # "Half code: +1.2 % [−0.3, +2.7]"

A text that names a figure cannot say another than the tables do, and no old one. `study(NAME)` is a
study by the name that the page gives it; called with a recipe, the key of a metric as in
hypotheses, and where there are several a size and a stage (`at`), it gives a `Figure`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from code_ablate.analysis.estimation.estimates import Comparison, Estimate, Metric
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import Report
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


def with_figures(text: str, parts: Sequence[Part], where: str) -> str:
    """A text with its figures. `where`: its file, for messages.

    Raises UserError for a figure that the studies do not have, and for a text that is no template.
    """

    def study(name: str) -> StudyFigures:
        found = {part.name: part.report for part in parts}
        _check("study", name, found, "the page")
        report = found[name]
        if report is None:
            raise UserError(f"the study {name} has no results yet.")
        return StudyFigures(name, report)

    return fill_in(text, where, {"study": study})


@dataclass(frozen=True)
class StudyFigures:
    """The figures of a study; as text its name."""

    name: str
    """Name of the study on the page."""
    report: Report
    """What its results say."""

    def __str__(self) -> str:
        return self.name

    def __call__(
        self, recipe: str, metric: str, *, at: str = "pretraining", size: str = ""
    ) -> "Figure":
        """Those of a recipe by a metric; UserError for what the study does not have."""
        results = self.report.results
        sizes = [one.name for one in results.sizes]
        if not size and len(sizes) > 1:
            raise UserError(
                f"{self.name} has several sizes: name one of {joined(sizes)} as `size`."
            )
        size = size or sizes[0]
        _check("size", size, sizes, self.name)
        places = {place.stage: place for place in self.report.places if place.size == size}
        _check("stage", at, places, f"{self.name} at {size}")
        metrics = {found.key: found for found in self.report.summary.metrics}
        _check("metric", metric, metrics, self.name)
        figure = Figure(self, recipe, metrics[metric], places[at])
        figure.check_recipe(recipe)
        return figure


@dataclass(frozen=True)
class Figure:
    """What the results say of a recipe at a place by a metric, as texts write it.

    As text it is the change against the baseline with its interval.
    """

    study: StudyFigures
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
    def amount(self) -> str:
        """The same where words say its direction: "8.5 % [7.9, 9.2]"."""
        return size_range(self._comparison)

    @property
    def brief(self) -> str:
        """The same without its interval: "+8.5 %"."""
        return str(self).partition(" [")[0]

    @property
    def verdict(self) -> str:
        """ "different", "different, within the margin", "equivalent" or "cannot say"."""
        return verdict_of(self._comparison)

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
        raise UserError(f"{where} has no {noun} {name!r}; it has {joined(names)}.")
