"""Arms of several studies in one table: a row per arm and metric, with the name of the study.

studies = load_several(["runs/study-a", "runs/study-b"])
arms_table(studies)              # a frame
print(arms_text(studies))        # for the console
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etils import epy

from code_ablate.analysis.estimation.categories import main_metrics
from code_ablate.analysis.estimation.estimates import Metric, Settings
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.report.phrases import counted, number_range, whole_percent
from code_ablate.analysis.results.several import SeveralStudies
from code_ablate.shown import one_line

with epy.lazy_imports():  # a report of one study does without it
    import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator


def arms_table(studies: SeveralStudies) -> pd.DataFrame:
    """A row per study, recipe, size, stage and metric, shares from 0 to 1.

    Columns: study, recipe, size, stage, is_baseline, source, source_share, tokens, metric, label,
    unit, lower_is_better, value, low, high, items, seeds. `source` is what the study varies, and
    `source_share` its share of the tokens. Metrics are means over the tasks that all studies have.
    """
    return pd.DataFrame(arm_rows(studies))


def arm_rows(studies: SeveralStudies) -> Iterator[dict[str, Any]]:
    """The rows of `arms_table`, as plain values."""
    metrics = main_metrics(next(iter(studies.scores.values())))
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
                for metric in metrics:
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


def arms_text(studies: SeveralStudies, table: pd.DataFrame | None = None) -> str:
    """The table for the console, a block per metric. `table`: that of `arms_table`, if it is there.

    The same stage of two studies may stand for other tokens and mixtures: both are shown.
    """
    table = arms_table(studies) if table is None else table
    lines = [f"{len(studies.results)} studies, {counted(len(studies.tasks), 'common task')}"]
    for name, results in studies.results.items():
        record = results.record
        tokens = number_range(arm.tokens for arm in results.last_arms)
        seeds = ", ".join(map(str, record.seeds))
        lines.append(
            f"  {one_line(name)}: {tokens} tokens, seeds {seeds}, baseline {record.baseline}"
        )
    for metric in main_metrics(next(iter(studies.scores.values()))):
        lines += ["", *_block(metric, table[table["metric"] == metric.key])]
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


def _block(metric: Metric, rows: pd.DataFrame) -> Iterator[str]:
    better = ", lower is better" if metric.lower_is_better else ""
    unit = f"{metric.name}{' in %' if metric.is_share else ''}{better}"
    yield f"{metric.label}: {unit}; {counted(len(metric.tasks), 'task')}"
    wide = max(5, *(len(one_line(name)) for name in rows["study"]))
    yield (
        f"  {'study':<{wide}}  {'recipe':<20}  {'size':<7} {'stage':<12} {'share':>6} "
        f"{'tokens':>15} seeds  score"
    )
    scale, digits = metric.form
    for row in rows.itertuples():
        value, low, high = (f"{scale * x:.{digits}f}" for x in (row.value, row.low, row.high))
        recipe = f"{row.recipe} b" if row.is_baseline else row.recipe
        yield (
            f"  {one_line(row.study):<{wide}}  {recipe:<20}  {row.size:<7} {row.stage:<12} "
            f"{100 * row.source_share:>4.0f} % {row.tokens:>15,} {row.seeds:>5}  "
            f"{value} [{low}, {high}]"
        )
