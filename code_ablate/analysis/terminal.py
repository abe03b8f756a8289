"""The report as a table for the console, 80 columns wide.

print(terminal_table(load_results("runs/demo")))
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from code_ablate.analysis.findings import bare
from code_ablate.analysis.results import BITS_PER_BYTE, STAGE_TITLES, Results
from code_ablate.analysis.statistics import exact_interval, percentile_interval, resample_items
from code_ablate.analysis.summary import Metric, Summary, summarise


def terminal_table(results: Results | Summary) -> str:
    """Scores with intervals and paired relative changes, one block per stage and metric.

    Takes the results, or a summary where one has been made already.
    """
    summary = results if isinstance(results, Summary) else summarise(results)
    study = summary.results.study
    lines = [
        f"{study['name']}: {study['tokens']:,} tokens, seeds "
        f"{', '.join(map(str, study['seeds']))}, baseline {summary.results.baseline}",
    ]
    for stage in summary.results.stages:
        lines += ["", STAGE_TITLES[stage].upper()]
        for metric in summary.metrics:
            lines += _block(summary, stage, metric)
    confidence = 100 * summary.settings.confidence
    lines += [
        "",
        f"[ ] {confidence:.0f} % bootstrap interval over items and seeds. Changes are relative and",
        "paired by item and seed. * holds after Holm's correction over all comparisons.",
    ]
    return "\n".join(lines) + "\n"


def _block(summary: Summary, stage: str, metric: Metric) -> list[str]:
    recipes = summary.results.recipes_at(stage)
    items = summary.level(stage, recipes[0], metric).items
    if metric.lower_is_better:
        title = f"{metric.label}: bits per byte, lower is better; {items:,} documents"
    else:
        chance = "" if metric.chance is None else f", chance {100 * metric.chance:.1f}"
        title = f"{metric.label}: accuracy in %; {len(metric.tasks)} tasks, {items:,} items{chance}"
    head = f"  {'recipe':<20}{'code':>6}  {'score':<23}{'change against baseline':<27}"
    return ["", title, head.rstrip(), *(_row(summary, stage, name, metric) for name in recipes)]


def _row(summary: Summary, stage: str, recipe: str, metric: Metric) -> str:
    level = summary.level(stage, recipe, metric)
    scale, digits = (1, 3) if metric.lower_is_better else (100, 1)
    value, low, high = (f"{scale * x:.{digits}f}" for x in (level.value, level.low, level.high))
    comparison = summary.comparison(stage, recipe, metric)
    if comparison is None:
        change = "baseline" if recipe == summary.results.baseline else "not comparable"
    elif comparison.gain is None:
        change = "undefined: the baseline may be 0"
    else:
        gain = comparison.gain
        star = " *" if comparison.certain() else ""
        change = f"{bare(gain.value):>6} % [{bare(gain.low)}, {bare(gain.high)}]{star}"
    share = f"{100 * summary.results.code_share(recipe, stage):.0f} %"
    score = f"{value} [{low}, {high}]"
    return f"  {recipe:<20}{share:>6}  {score:<23}{change}".rstrip()


def task_table(items: pd.DataFrame, tasks: Mapping[str, Mapping]) -> str:
    """One model's scores, a line per task: what `eval.py` prints.

    `items`: the table of one evaluation; `tasks`: what the suite says about each task. Accuracy
    has the exact (Clopper-Pearson) 95 % interval, bits per byte a bootstrap interval over items.
    """
    head = f"{'task':<34}{'items':>12}  {'score':<30}{'chance':>7}{'gold bits/byte':>16}"
    lines = [head, "-" * len(head)]
    for task, rows in items.groupby("task", sort=False):
        info = tasks[task]
        count = f"{info['items']:,}/{info['available']:,}"
        lines.append(f"{task:<34}{count:>12}  {_score_of(rows, info)}")
    return "\n".join(lines)


def _score_of(rows: pd.DataFrame, info: Mapping) -> str:
    bits_per_byte = rows.bits.sum() / rows.bytes.sum()
    if info["kind"] == BITS_PER_BYTE:
        bits, size = rows.bits.to_numpy()[:, None], rows.bytes.to_numpy()[:, None]
        drawn = resample_items(bits, size, np.random.default_rng(0), 2000)
        low, high = percentile_interval(drawn.score([0], np.ones((2001, 1))))
        return f"{bits_per_byte:.3f} bits/byte [{low:.3f}, {high:.3f}]"
    correct = int(rows.correct.sum())
    low, high = exact_interval(correct, len(rows))
    score = f"{100 * correct / len(rows):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
    return f"{score:<30}{100 * info['chance']:>6.1f}%{bits_per_byte:>16.3f}"
