"""The report as a table for the console, 80 columns wide.

print(terminal_table(load_results("runs/demo")))
"""

from code_ablate.analysis.findings import bare
from code_ablate.analysis.results import STAGE_TITLES, Results
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
