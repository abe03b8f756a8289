"""The figure of several studies: the scores of all arms, a panel per metric, a row per recipe.

drawing = joint_figure(studies, rows)        # rows: those of `arm_rows`
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from code_ablate.analysis.estimation.estimates import Metric, Settings
from code_ablate.analysis.report.drawing import LOOKS, Drawing, panel
from code_ablate.analysis.report.elements import Key
from code_ablate.analysis.report.phrases import whole_percent
from code_ablate.analysis.results.several import SeveralStudies


def joint_figure(studies: SeveralStudies, rows: Sequence[Mapping[str, Any]]) -> Drawing:
    """Scores at the first stage of every size of every study, study below study."""
    first = {
        (name, size.name): results.places_of(size.name)[0].stage
        for name, results in studies.results.items()
        for size in results.sizes
    }
    drawn = [row for row in rows if first[row["study"], row["size"]] == row["stage"]]
    looks = {name: LOOKS[i % len(LOOKS)] for i, name in enumerate(studies.results)}
    panels = tuple(
        _panel(metric, [row for row in drawn if row["metric"] == metric.key], looks)
        for metric in studies.metrics
    )
    percent = whole_percent(Settings().confidence)
    keys = [Key(f"{name}, {percent} interval", *look, "-") for name, look in looks.items()]
    keys.append(Key("a study's baseline", "#444444", "o", "-", face="white"))
    return Drawing("Scores of the recipes of all studies", panels, tuple(keys))


def _panel(
    metric: Metric,
    rows: Sequence[Mapping[str, Any]],
    looks: Mapping[str, tuple[str, str]],
) -> Axes:
    sizes = len({row["size"] for row in rows}) > 1
    names = [f"{row['recipe']}, {row['size']}" if sizes else row["recipe"] for row in rows]
    better = "lower is better" if metric.lower_is_better else "higher is better"
    scale = metric.form[0]
    axis = panel(metric.label, x_label=f"{metric.unit}\n({better})", rows=names, row_inches=0.25)
    if metric.chance is not None:
        axis.axvline(scale * metric.chance, color="#000000", linewidth=1.1, linestyle="--")
    for y, row in enumerate(rows):
        colour, marker = looks[row["study"]]
        ends = [scale * row["low"], scale * row["high"]]
        if all(map(math.isfinite, ends)):
            axis.plot(ends, [y, y], color=colour, linewidth=1.6)
        axis.plot(
            scale * row["value"],
            y,
            marker=marker,
            ms=5.5,
            color=colour,
            markerfacecolor="white" if row["is_baseline"] else colour,
        )
    return axis
