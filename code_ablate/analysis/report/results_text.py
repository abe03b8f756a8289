"""The page of a result that several studies make together: its sentences and tables, in Markdown.

    made_of(parts)                            # which results it is of
    part_values(part)["answers"]              # what stands there of one study, by name
    noise_text(pilot, parts), claims_text(rows)

`templates/results.md` puts them in order; every number is the report's.
"""

import itertools
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.frozen_text import frozen_facts
from code_ablate.analysis.report.phrases import counted, detectable_change, joined, percent
from code_ablate.analysis.report.rendering import markdown_table
from code_ablate.analysis.report.study_answers import (
    NOT_MEASURED,
    ClaimRow,
    Part,
    answers,
    change_table,
)
from code_ablate.analysis.results.frozen import (
    CANNOT_SAY,
    CONTRADICTED,
    HOLDS,
    NEGLIGIBLE,
    FrozenPlan,
)


def made_of(parts: Sequence[Part]) -> str:
    """Which results it is of: by their own dates, so that the same results give the same page."""
    dates = [part.report.record.created[:10] for part in parts if part.report is not None]
    if not dates:
        return "There are no results yet."
    missing = sum(part.missing_count for part in parts)
    state = f"{counted(missing, 'arm')} are still missing" if missing else "every arm is there"
    return f"Results of {' to '.join(dict.fromkeys((min(dates), max(dates))))}; {state}."


def outcome_counts(parts: Sequence[Part]) -> str:
    """How the hypotheses came out: each is counted at every size and stage where it is tested."""
    found = [(part, answer) for part in parts for answer in answers(part)]
    if not found:
        return "Nothing was frozen before the data: every comparison is exploratory."
    told: list[str] = []
    for missing, where in ((False, ""), (True, " in studies that are not complete")):
        outcomes = [answer.outcome for part, answer in found if bool(part.missing_count) == missing]
        if outcomes:
            counts = [f"{name} {count}" for name, count in Counter(outcomes).most_common()]
            said = " of hypotheses that were frozen before the data" if not told else ""
            told.append(f"Of {counted(len(outcomes), 'test')}{said}{where}: {', '.join(counts)}.")
    return " ".join(told)


def hypotheses_text(parts: Sequence[Part]) -> str:
    """How each hypothesis came out over all recipes, sizes and stages that it names: a table."""
    outcomes = (HOLDS, NEGLIGIBLE, CONTRADICTED, CANNOT_SAY, NOT_MEASURED)
    rows = [["hypothesis", "of study", *outcomes, "change"]]
    for part in parts:
        for hypothesis, tests in itertools.groupby(answers(part), lambda answer: answer.hypothesis):
            found = list(tests)
            counts = Counter(answer.outcome for answer in found)
            numbers = [str(counts[outcome] or "") for outcome in outcomes]
            gains = sorted(answer.gain for answer in found if answer.gain is not None)
            ends = dict.fromkeys(percent(gain) for gain in (gains[:1] + gains[-1:]))
            study = f"`{part.name}`" + ", not complete" * bool(part.missing_count)
            rows.append([f"`{hypothesis}`", study, *numbers, " to ".join(ends) or "–"])
    return markdown_table(rows) if len(rows) > 1 else ""


def recipes_text(parts: Sequence[Part]) -> str:
    """What each recipe trains on, at the smallest size that it has: a table of its phases.

    Studies that train the same, or the beginning of the same, have one row.
    """
    found: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {}
    for part in parts:
        for recipe, size, phases in _trained_on(part.report) if part.report else ():
            found.setdefault(recipe, []).append((part.name, size, phases))
    rows = [["recipe", "size", "what it trains on", "of study"]]
    for recipe, left in found.items():
        while left:
            _, size, longest = max(left, key=lambda one: len(one[2]))
            same = [one for one in left if one[1] == size and one[2] == longest[: len(one[2])]]
            left = [one for one in left if one not in same]
            studies = [
                f"`{name}`" + (f" (to the end of phase {len(phases)})" if phases != longest else "")
                for name, _, phases in same
            ]
            rows.append([f"`{recipe}`", size, "; then ".join(longest), joined(studies)])
    return markdown_table(rows) if found else ""


def _trained_on(report: Report) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Each recipe with the smallest size that it has, and its phases there in words."""
    results, record = report.results, report.record
    sizes = [size.name for size in results.sizes]
    arms = sorted(results.last_arms, key=lambda one: sizes.index(one.arm.size), reverse=True)
    smallest = {one.arm.recipe: one for one in arms}
    for recipe in record.recipes:
        if one := smallest.get(recipe.name):
            phases = [record.phases[name] for name in one.phases]
            texts = (f"{phase.tokens:,} tokens of {phase.mixture}" for phase in phases)
            yield recipe.name, one.arm.size, tuple(texts)


def part_values(
    part: Part, earlier: Sequence[Part] = (), *, for_law: bool = False
) -> dict[str, Any]:
    """What the page says of a study, as its template names it.

    `earlier`: the studies above it on the page, whose phases it may share. `for_law`: its mixtures
    are there for the law, and are not compared with each other.
    """
    report, frozen = part.report, part.frozen
    seen = {name for other in earlier if other.report for name in other.report.record.phases}
    record = report.record if report else None
    design = frozen.entries[-1].design if frozen else {}
    arms = record.arms if record else ()
    phases = record.phases if record else {}
    own = [phase for name, phase in phases.items() if name not in seen]
    return {
        "name": part.name,
        "answers": answers(part),
        "frozen_on": frozen_on(frozen),
        "kept": _kept(report, frozen),
        "baseline": record.baseline if record else design.get("baseline", ""),
        "changes": [
            {"where": report.title(place), "text": markdown_table(change_table(part, place))}
            for place in report.places
            if len(report.results.recipes_at(place)) > 1
        ]
        if report and not for_law
        else [],
        "missing": part.missing,
        "missing_count": part.missing_count,
        "planned": part.planned,
        "sizes": ", ".join(s.name for s in record.sizes) if record else ", ".join(design["sizes"]),
        "seeds": len({arm.arm.seed for arm in arms}) if arms else 0,
        "arms": f"{len(arms)} of {part.planned}",
        "phases": f"{len(phases)} ({len(own)})",
        "tokens": f"{sum(phase.tokens for phase in own):,}",
        "hours": f"{sum(phase.seconds for phase in own) / 3600:.1f}",
        "machine": f"{record.machine.cores} cores, {record.machine.device}" if record else "–",
        "version": record.version if record else (frozen.first.version if frozen else ""),
        "commit": _short(record.commit) if record and record.commit else "–",
        "configuration": record.configuration if record else "–",
    }


def _short(commit: str) -> str:
    """The first letters of a commit, with the + of one whose files were changed."""
    return commit[:12] + "+" * commit.endswith("+")


def frozen_on(frozen: FrozenPlan | None) -> str:
    """When it was written down, and what came after."""
    if frozen is None or not frozen.valid:
        return "of which nothing was frozen before there were results"
    first, later = frozen.valid[0].created[:10], len(frozen.valid) - 1
    more = f", and amended {counted(later, 'time')} before there were results" if later else ""
    return f"frozen on {first} before there were results{more}"


def _kept(report: Report | None, frozen: FrozenPlan | None) -> list[tuple[str, str]]:
    """What the report says of design, margins and analysis against what was frozen."""
    if report is None or frozen is None:
        return []
    facts = frozen_facts(report, frozen)
    names = ("Stopping rule", "Scores that count", "Design", "Margins", "Analysis")
    return [(name, facts[name]) for name in names if name in facts]


def noise_text(pilot: Part | None, parts: Sequence[Part]) -> str:
    """Standard deviation over seeds and least change found: of the pilot, then of the studies."""
    sections = []
    for part in [*([pilot] if pilot else []), *(part for part in parts if part is not pilot)]:
        if (
            part.report is None
            or max(len(s) for s in part.report.summary.scores.seeds.values()) < 2
        ):
            continue
        rows = [["measure", "s.d. over seeds, median", "least change found, median"]]
        rows += [row for metric in part.report.summary.metrics
                 if (row := _noise_row(part.report, metric))]  # fmt: skip
        of = "the pilot" if part is pilot else f"`{part.name}`"
        sections.append(f"Noise of {of}:\n\n{markdown_table(rows)}")
    return "\n\n".join(sections) or "No recipe has two seeds yet."


def _noise_row(report: Report, metric: Metric) -> list[str]:
    summary = report.summary
    spreads = [
        level.seed_sd
        for (_, _, key), level in summary.levels.items()
        if key == metric.key and level.seed_sd is not None
    ]
    found = sorted(
        (c for c in summary.comparisons if c.metric == metric and c.difference.over_seeds),
        key=lambda c: c.detectable,
    )
    if not spreads:
        return []
    scale, digits = metric.form
    least = detectable_change(found[len(found) // 2]) if found else "two seeds are too few"
    unit = f"{metric.label}, {metric.unit}"
    return [unit, f"{scale * statistics.median(spreads):.{digits + 1}f}", least]


def claims_text(rows: Sequence[ClaimRow]) -> str:
    """What others said, beside what was found: a table; empty where no claim was given."""
    if not rows:
        return ""
    table = [["who", "what was said", "measured there", "as a hypothesis here", "of study",
              "our change", "outcome"]]  # fmt: skip
    table += [
        [row.claim.source, row.claim.statement, row.claim.figure or "–",
         f"`{row.claim.hypothesis}`", f"`{row.claim.study}`", row.changes or "–", row.agrees]
        for row in rows
    ]  # fmt: skip
    return markdown_table(table)
