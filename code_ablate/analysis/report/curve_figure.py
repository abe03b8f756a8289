"""The figure of training curves: loss on each corpus against the tokens trained on.

drawing = curve_figure(report, curves, "1.07M")
"""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.drawing import BLACK, COLOURS, MARKERS, Drawing, panel
from code_ablate.analysis.report.elements import Key
from code_ablate.analysis.results.training_curves import TrainingCurve, TrainingCurves

_DASHES = ("-", "--", "-.", ":")


def curve_figure(report: Report, curves: TrainingCurves, size: str) -> Drawing | None:
    """A panel for each corpus of a model size; None if no curve of it was found."""
    found: dict[str, list[TrainingCurve]] = {}
    for arm, curve in curves.arms.items():
        if arm.size == size:
            found.setdefault(arm.recipe, []).append(curve)
    if not found:
        return None
    names = [recipe.name for recipe in report.record.recipes if recipe.name in found]
    looks = _looks(names, report.baseline)
    corpora = dict.fromkeys(name for group in found.values() for c in group for name in c.loss)
    unit, scale = _unit(max(c.tokens.max() for group in found.values() for c in group))
    panels = []
    for corpus in corpora:
        axis = panel(corpus, "loss, nats per token", unit)
        for name in names:
            _draw(axis, [c for c in found[name] if corpus in c.loss], corpus, scale, looks[name])
        axis.set_xlim(left=0)
        panels.append(axis)
    keys = [Key(name, *looks[name]) for name in names]
    heading = size if report.several_sizes else ""
    alt = f"Training loss against tokens{report.of_size(size)}"
    return Drawing(alt, tuple(panels), tuple(keys), heading)


def _looks(names: list[str], baseline: str) -> dict[str, tuple[str, str, str]]:
    """Colour, marker and dashes of each recipe: black for the baseline, else 24 different ones."""
    others = [name for name in names if name != baseline]
    count = len(COLOURS)
    looks = {
        name: (
            COLOURS[i % count],
            MARKERS[(i + i // count) % count],
            _DASHES[(i + i // count) % len(_DASHES)],
        )
        for i, name in enumerate(others)
    }
    return {baseline: (BLACK, "o", "-"), **looks}


def _unit(most: float) -> tuple[str, float]:
    """What tokens are counted in, so that the axis has short numbers."""
    for size, word in ((1e9, "billion tokens"), (1e6, "million tokens"), (1e3, "thousand tokens")):
        if most >= 2 * size:
            return word, size
    return "tokens", 1.0


def _draw(
    axis: Axes,
    curves: list[TrainingCurve],
    corpus: str,
    scale: float,
    look: tuple[str, str, str],
) -> None:
    """The mean of the seeds, and a band from the lowest to the highest."""
    if not curves:
        return
    colour, marker, dashes = look
    x, y_SP = _aligned(curves, corpus)
    if not len(x):
        return
    if len(curves) > 1:
        axis.fill_between(
            x / scale, y_SP.min(axis=0), y_SP.max(axis=0), color=colour, alpha=0.12, linewidth=0
        )
    mean = y_SP.mean(axis=0)
    axis.plot(x / scale, mean, color=colour, linestyle=dashes, linewidth=1.4)
    axis.plot(x[-1] / scale, mean[-1], color=colour, marker=marker, ms=4.5)


def _aligned(
    curves: list[TrainingCurve], corpus: str
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, "seeds points"]]:
    """Points of the first seed, and the loss of every seed there."""
    first = curves[0]
    x = first.tokens[np.isfinite(first.loss[corpus])]
    rows = []
    for curve in curves:
        known = np.isfinite(curve.loss[corpus])
        if not known.any():
            continue
        rows.append(np.interp(x, curve.tokens[known], curve.loss[corpus][known]))
    return x, np.array(rows)
