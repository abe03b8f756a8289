"""The page of a result that several studies make together: what it says, as plain values.

    part = read_part("runs/study-what_code_does-small_ladder")
    part.report, part.frozen, part.missing           # report None: no arm is done yet
    answers(part)                                    # a row for each frozen hypothesis
    claim_rows(read_claims("claims.csv"), [part])    # what others said, beside what was found

Every number is the report's; here it is chosen and put in order. A study that is not complete has
its place on the page, with what is missing.
"""

import csv
import dataclasses
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass

from etils import epath

from code_ablate.analysis.estimation.estimates import (
    CANNOT_SAY,
    DIFFERENT,
    EQUIVALENT,
    Comparison,
    Estimate,
    Metric,
)
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import Report, make_report
from code_ablate.analysis.report.phrases import change_range, undecided
from code_ablate.analysis.results.frozen import (
    CONTRADICTED,
    HOLDS,
    FrozenPlan,
    Hypothesis,
    within_margin,
)
from code_ablate.analysis.results.results import load_results
from code_ablate.analysis.results.study_record import FILE, ArmRecord
from code_ablate.errors import UserError

MARKS = {DIFFERENT: "**", EQUIVALENT: "= ", CANNOT_SAY: "? "}
"""What stands before or around a change in a table, by its verdict."""

NOT_MEASURED = "not measured yet"
"""Outcome of a hypothesis that no arm speaks to so far."""

_CLAIM_COLUMNS = ("source", "statement", "figure", "study", "hypothesis")


@dataclass(frozen=True)
class Part:
    """One of the studies."""

    name: str
    """Name of the study's folder, without "study-"."""
    folder: str
    """The folder."""
    report: Report | None
    """What its results say; None where no arm is done yet."""
    frozen: FrozenPlan | None
    """What was written down before the data; None where nothing was."""
    missing: tuple[str, ...]
    """Arms that were planned and have no results, as "RECIPE, SIZE, STAGE: seeds 0, 1"."""
    missing_count: int
    """Number of these arms."""
    planned: int
    """Arms that were planned; 0 where nothing was frozen and nothing has run."""

    def named(self, comparison: Comparison) -> bool:
        """Whether a hypothesis that was frozen before the results names a comparison."""
        frozen = self.frozen
        return frozen is not None and frozen.names(comparison.recipe, comparison.metric.key)


@dataclass(frozen=True)
class Answer:
    """A hypothesis at one size and stage, and what the data say of it."""

    hypothesis: str
    """RECIPE METRIC CLAIM, as it was frozen."""
    where: str
    """Size and stage."""
    recipe: str
    """Recipe that is compared with the baseline."""
    metric: str
    """Key of the metric, as in `Study.margins`."""
    change: str
    """Change against the baseline, with its interval."""
    gain: float | None
    """The same as a part of the baseline's score; None where that is zero, or not measured."""
    verdict: str
    """Different, equivalent, both ("different, within the margin"), or cannot say."""
    outcome: str
    """Holds, contradicted, within the margin, cannot say, or not measured yet."""
    seeds: int
    """Seeds that the comparison has."""
    open: str
    """What it would take, where the data cannot say."""
    exploratory: bool
    """Whether no hypothesis that was frozen before the results names the comparison."""


@dataclass(frozen=True)
class Claim:
    """What others said, in the form of a hypothesis."""

    source: str
    """Who said it."""
    statement: str
    """What was said."""
    figure: str
    """What was measured there, in words; empty where no figure is known."""
    study: str
    """Name of the study here that can speak to it."""
    hypothesis: Hypothesis
    """The same as a hypothesis of that study."""


def read_part(folder: epath.PathLike) -> Part:
    """A study's folder. Raises UserError if it has neither results nor a frozen plan."""
    path = epath.Path(folder)
    frozen = FrozenPlan.read(path)
    report = make_report(load_results(path)) if (path / FILE).exists() else None
    if report is None and frozen is None:
        raise UserError(
            f"{path} has no results and nothing that was frozen: run code-ablate study, with "
            "--freeze before the data or --so-far while it trains."
        )
    planned = _planned(frozen, report)
    done = {} if report is None else _done(report)
    missing = {
        key: [str(seed) for seed in seeds if seed not in done.get(key, ())]
        for key, seeds in planned.items()
    }
    lines = tuple(
        f"{key}: seed{'s' * (len(seeds) > 1)} {', '.join(seeds)}"
        for key, seeds in missing.items()
        if seeds
    )
    return Part(
        name_of(path).removeprefix("study-"),
        str(path),
        report,
        frozen,
        lines,
        sum(map(len, missing.values())),
        sum(map(len, planned.values())),
    )


def name_of(folder: epath.PathLike) -> str:
    """Name of a folder, also of one that is given as "." or ".."."""
    return os.path.basename(os.path.abspath(folder))


def _planned(frozen: FrozenPlan | None, report: Report | None) -> dict[str, tuple[int, ...]]:
    """Seeds of each recipe, size and stage; by the results where nothing was frozen."""
    if frozen is not None:
        design = frozen.entries[-1].design
        return {key: tuple(design["seeds"]) for key in design["tokens"]}
    return {} if report is None else dict.fromkeys(_done(report), report.record.seeds)


def _done(report: Report) -> dict[str, list[int]]:
    """Seeds of each recipe, size and stage that have results, under the keys of a frozen design."""
    done: dict[str, list[int]] = {}
    for arm in (record.arm for record in report.record.arms):
        done.setdefault(f"{arm.recipe}, {arm.size}, {arm.stage}", []).append(arm.seed)
    return done


def answers(part: Part) -> list[Answer]:
    """What the data say of each hypothesis that was written down before them, in that order; once
    where an amendment repeats it."""
    if part.frozen is None:
        return []
    said = dict.fromkeys(h for entry in part.frozen.valid for h in entry.parsed)
    return [row for hypothesis in said for row in _answers(hypothesis, part)]


def _answers(hypothesis: Hypothesis, part: Part) -> list[Answer]:
    report = part.report
    found = [] if report is None else _covered(hypothesis, report)
    if report is None or not found:
        text = str(hypothesis)
        return [Answer(text, "", hypothesis.recipe, hypothesis.metric, "", None, "",
                       NOT_MEASURED, 0, "", False)]  # fmt: skip
    return [
        Answer(
            str(hypothesis),
            report.title(c.place),
            c.recipe,
            c.metric.key,
            change_range(c),
            c.gain.value if c.gain else None,
            verdict_of(c),
            hypothesis.outcome(c),
            len(c.difference.seeds),
            undecided(c),
            not part.named(c),
        )
        for c in found
    ]


def verdict_of(comparison: Comparison) -> str:
    """ "different", "different, within the margin", "equivalent" or "cannot say"."""
    verdict = comparison.verdict()
    within = verdict == DIFFERENT and within_margin(comparison)
    return f"{verdict}, within the margin" if within else verdict


def _covered(hypothesis: Hypothesis, report: Report) -> list[Comparison]:
    comparisons = report.summary.comparisons
    return [c for c in comparisons if hypothesis.covers(c.recipe, c.metric.key)]


def change_table(part: Part, place: Place) -> list[list[str]]:
    """Recipes by metrics: change with interval, marked by verdict.

    The first row is the head, the second has the scores of the baseline. What is exploratory has a
    circle behind it where it is called different or equivalent.
    """
    report = part.report
    assert report is not None, "asked of a study that has results"
    metrics = report.summary.metrics
    rows = [["recipe", *(f"{m.label}, {m.name}" for m in metrics)]]
    if report.baseline in report.results.recipes_at(place):
        scores = [
            written_score(report.summary.level(place, report.baseline, m), m) for m in metrics
        ]
        rows.append([f"{report.baseline}: scores", *scores])
    for recipe in report.results.recipes_at(place):
        if recipe == report.baseline:
            continue
        cells = [report.summary.comparison(place, recipe, metric) for metric in metrics]
        rows.append([recipe, *("–" if c is None else _cell(c, part) for c in cells)])
    return rows


def written_score(level: Estimate, metric: Metric) -> str:
    """A recipe's score as a table has it: "2.060", "41.3 %"."""
    scale, digits = metric.form
    return f"{scale * level.value:.{digits}f}" + " %" * metric.is_share


def _cell(comparison: Comparison, part: Part) -> str:
    mark, text = MARKS[comparison.verdict()], change_range(comparison)
    if not part.named(comparison) and comparison.verdict() != CANNOT_SAY:
        text += " °"
    return f"**{text}**" if mark == "**" else mark + text


def read_claims(path: epath.PathLike) -> list[Claim]:
    """Claims of a CSV with the columns source, statement, figure, study and hypothesis. UserError
    if a row is none."""
    file = epath.Path(path)
    if not file.exists():
        raise UserError(f"no claims at {file}: give a CSV with {', '.join(_CLAIM_COLUMNS)}.")
    reader = csv.DictReader(io.StringIO(file.read_text()))
    if tuple(reader.fieldnames or ()) != _CLAIM_COLUMNS:
        raise UserError(f"{file} must have the columns {', '.join(_CLAIM_COLUMNS)}, in this order.")
    return [
        Claim(
            row["source"],
            row["statement"],
            row["figure"],
            row["study"],
            Hypothesis.parse(row["hypothesis"]),
        )
        for row in reader
    ]


@dataclass(frozen=True)
class ClaimRow:
    """A claim beside what was found here."""

    claim: Claim
    """What others said."""
    answers: tuple[Answer, ...]
    """What the data here say of it, at each size and stage."""

    @property
    def agrees(self) -> str:
        """ "agrees", "contradicts", another outcome as it is, or "agrees in 2 of 3".

        With a circle behind it where the comparisons are exploratory.
        """
        outcomes = [answer.outcome for answer in self.answers]
        words = {HOLDS: "agrees", CONTRADICTED: "contradicts"}
        named = [words.get(outcome, outcome) for outcome in outcomes]
        kinds = dict.fromkeys(named)
        text = named[0]
        if len(kinds) > 1:
            text = ", ".join(f"{kind} in {named.count(kind)} of {len(named)}" for kind in kinds)
        return f"{text} °" if any(answer.exploratory for answer in self.answers) else text

    @property
    def changes(self) -> str:
        """The changes here, of the first to the last size and stage; empty if nothing is there."""
        return "; ".join(answer.change for answer in self.answers if answer.change)


def claim_rows(claims: Sequence[Claim], parts: Sequence[Part]) -> list[ClaimRow]:
    """Each claim with what the study that it names found. Raises UserError for another name."""
    by_name = {part.name: part for part in parts}
    rows = []
    for claim in claims:
        if claim.study not in by_name:
            raise UserError(
                f"a claim speaks of the study {claim.study!r}; given are {', '.join(by_name)}."
            )
        rows.append(ClaimRow(claim, tuple(_answers(claim.hypothesis, by_name[claim.study]))))
    return rows


def arm_rows(parts: Sequence[Part]) -> list[dict[str, object]]:
    """Every arm with the identity of its last phase, which its run's folder ends with.

    `commits`: those of the code that trained its phases.
    """
    return [
        {
            "study": part.name,
            **dataclasses.asdict(record.arm),
            "phase": record.phase,
            "phases": " ".join(record.phases),
            "tokens": record.tokens,
            "seconds": round(record.seconds, 1),
            "flops": record.flops,
            "commits": " ".join(_commits(part.report, record)),
        }
        for part in parts
        if part.report is not None
        for record in part.report.record.arms
    ]


def _commits(report: Report, arm: ArmRecord) -> dict[str, None]:
    phases = report.record.phases
    return dict.fromkeys(commit for name in arm.phases for commit in phases[name].commits)


def seed_rows(parts: Sequence[Part]) -> list[dict[str, object]]:
    """The score of every arm by every metric, a row for each seed."""
    return [
        {
            "study": part.name,
            "recipe": recipe,
            "size": place.size,
            "stage": place.stage,
            "metric": key,
            "seed": seed,
            "value": value,
        }
        for part in parts
        if part.report is not None
        for (place, recipe, key), level in part.report.summary.levels.items()
        for seed, value in zip(level.seeds, level.per_seed, strict=True)
    ]
