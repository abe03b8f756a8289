"""Arms of several studies in one table: a row per arm and metric, with the name of the study.

studies = load_several(["runs/study-a", "runs/study-b"])
rows = arm_rows(studies)
print(arms_text(studies, rows))        # for the console
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from code_ablate.analysis.estimation.estimates import Metric, Settings
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.report.phrases import counted, number_range, whole_percent
from code_ablate.analysis.results.several import SeveralStudies
from code_ablate.shown import one_line


def arm_rows(studies: SeveralStudies) -> list[dict[str, Any]]:
    """A row per study, recipe, size, stage and metric, shares from 0 to 1.

    Columns: study, recipe, size, stage, is_baseline, source, source_share, tokens, metric, label,
    unit, lower_is_better, value, low, high, items, seeds. `source` is what the study varies, and
    `source_share` its share of the tokens. Metrics are means over the tasks that all studies have.
    """
    return list(_rows(studies))


def _rows(studies: SeveralStudies) -> Iterator[dict[str, Any]]:
    for name, scores in studies.scores.items():
        results, estimator = studies.results[name], Estimator(scores, Settings())
        for place in results.places:
            for recipe in results.recipes_at(place):
                arms = results.arms_of(recipe, place)
                known = {
                    "study": name,
                    "recipe": recipe,
                    "size": place.size,
                    "stage": place.stage,
                    "is_baseline": recipe == results.record.baseline,
                    "source": results.record.source,
                    "source_share": results.share(recipe, place),
                    "tokens": arms[0].tokens,
                }
                for metric in studies.metrics:
                    level = estimator.level(place, recipe, metric)
                    yield known | {
                        "metric": metric.key,
                        "label": metric.label,
                        "unit": metric.name,
                        "lower_is_better": metric.lower_is_better,
                        "value": level.value,
                        "low": level.low,
                        "high": level.high,
                        "items": level.items,
                        "seeds": len(level.seeds),
                    }


def arms_text(studies: SeveralStudies, rows: Sequence[Mapping[str, Any]]) -> str:
    """The table for the console, a block per metric. `rows`: those of `arm_rows`.

    The same stage of two studies may stand for other tokens and mixtures: both are shown.
    """
    lines = [f"{len(studies.results)} studies, {counted(len(studies.tasks), 'common task')}"]
    for name, results in studies.results.items():
        record = results.record
        tokens = number_range(arm.tokens for arm in results.last_arms)
        seeds = ", ".join(map(str, record.seeds))
        lines.append(
            f"  {one_line(name)}: {tokens} tokens, seeds {seeds}, baseline {record.baseline}"
        )
    for metric in studies.metrics:
        lines += ["", *_block(metric, [row for row in rows if row["metric"] == metric.key])]
    if studies.left_out:
        left = (f"{task} (only {', '.join(names)})" for task, names in studies.left_out.items())
        lines += ["", f"left out, as not all studies have them: {', '.join(left)}"]
    return "\n".join([*lines, "", _legend()])


def _legend() -> str:
    return (
        f"[ ] {whole_percent(Settings().confidence)} interval over items and seeds; with fewer "
        "than three seeds, over items alone.\nEach study's own report compares its recipes with "
        "its baseline (marked b), paired and corrected."
    )


def _block(metric: Metric, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    better = ", lower is better" if metric.lower_is_better else ""
    unit = f"{metric.name}{' in %' if metric.is_share else ''}{better}"
    yield f"{metric.label}: {unit}; {counted(len(metric.tasks), 'task')}"
    wide = max(5, *(len(one_line(name)) for name in {row["study"] for row in rows}))
    yield (
        f"  {'study':<{wide}}  {'recipe':<20}  {'size':<7} {'stage':<12} {'share':>6} "
        f"{'tokens':>15} seeds  score"
    )
    scale, digits = metric.form
    for row in rows:
        value, low, high = (f"{scale * row[key]:.{digits}f}" for key in ("value", "low", "high"))
        recipe = f"{row['recipe']} b" if row["is_baseline"] else row["recipe"]
        yield (
            f"  {one_line(row['study']):<{wide}}  {recipe:<20}  {row['size']:<7} "
            f"{row['stage']:<12} "
            f"{100 * row['source_share']:>4.0f} % {row['tokens']:>15,} {row['seeds']:>5}  "
            f"{value} [{low}, {high}]"
        )
