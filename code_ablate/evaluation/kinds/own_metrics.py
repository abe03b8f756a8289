"""What a Task's own metric_fns say: of all items together, and of each item alone.

    found = apply_metrics([overlap], targets, predictions)
    found.whole["overlap"], found.items["overlap"]       # 0.58, array([0.25, 0.5, 1.0])

A metric has a score for each item where its value on all of them is the mean of its values on each
alone; a corpus' BLEU is not, and stays a figure of the whole. Names are kept. Values are kept too,
but that t5's metrics of right and wrong answers, which are in percent, become fractions of 1.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from code_ablate.errors import UserError
from code_ablate.names import require_label
from code_ablate.shown import brief

PREFIX = "metric/"
"""Before the name of a metric, in the name of its column in a table of items."""

PREFERRED = ("exact_match", "em", "accuracy", "sequence_accuracy")
"""Metrics that say how much of an answer is right: one of them counts where there are several."""

_PERCENT = (*PREFERRED, "f1")
"""Metrics of t5 that are means of shares of single answers, in percent."""

_MEANINGLESS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a metric may raise where it has no meaning for one item."""


@dataclass(frozen=True)
class MetricScores:
    """What metrics say of a set of items."""

    whole: Mapping[str, float]
    """Name -> value on all items, as the metric gives it."""
    items: Mapping[str, Float[np.ndarray, " items"]]
    """Name -> score of each item, of metrics whose value is their mean; the one that counts is
    first."""
    notes: tuple[str, ...]
    """Sentences that a reader of the scores has to know."""


def apply_metrics(
    functions: Sequence[Callable],
    targets: Sequence[Any],
    outputs: Sequence | np.ndarray,
    groups: Sequence[Sequence[int]] | None = None,
) -> MetricScores:
    """`groups`: for each item the numbers of its examples; None: every example is an item.

    Raises UserError, naming the metric, for values that are not numbers, and for a name that two
    functions give.
    """
    whole: dict[str, float] = {}
    items: dict[str, np.ndarray] = {}
    for function in functions:
        values = _numbers(function, function(list(targets), outputs))
        for name in values.keys() & whole.keys():
            raise UserError(f"two metric_fns give a metric of the name {name!r}: rename one.")
        whole |= values
        scores = _per_item(function, values, targets, outputs, groups)
        items |= {name: score_I / _percent(function, name) for name, score_I in scores.items()}
    odd = [name for name, value in whole.items() if not np.isfinite(value)]
    notes = [f"the task's own metric {name!r} is {whole[name]} here" for name in odd]
    ordered = sorted(items, key=lambda name: (_rank(name), list(items).index(name)))
    return MetricScores(whole, {name: items[name] for name in ordered}, tuple(notes))


def _numbers(function: Callable, values: Any) -> dict[str, float]:
    """What a metric_fn returned, without what SeqIO shows as text, pictures or histograms."""
    if not isinstance(values, Mapping):
        raise UserError(
            f"metric_fn {_name(function)!r} returns {brief(values)}; it must be a mapping from "
            "names to numbers."
        )
    found = {}
    for name, value in values.items():
        require_label(f"a name that metric_fn {_name(function)!r} returns", name)
        if _is_shown_only(value):
            continue
        number: Any = getattr(value, "value", value)  # seqio.metrics.Scalar
        array = np.asarray(number)
        if array.ndim or array.dtype.kind not in "biufc":
            raise UserError(
                f"metric {name!r} of metric_fn {_name(function)!r} is {brief(value)}; it must be a "
                "number."
            )
        if np.iscomplexobj(array):
            raise UserError(f"metric {name!r} is {brief(value)}; it must be a real number.")
        found[name] = float(number)
    return found


def _is_shown_only(value: Any) -> bool:
    """Whether it is one of SeqIO's values for TensorBoard that are no number."""
    kind = type(value)
    return kind.__module__.partition(".")[0] == "seqio" and kind.__name__ != "Scalar"


def _per_item(
    function: Callable,
    whole: Mapping[str, float],
    targets: Sequence[Any],
    outputs: Sequence | np.ndarray,
    groups: Sequence[Sequence[int]] | None,
) -> dict[str, Float[np.ndarray, " items"]]:
    """Name -> value on each item alone, where the value on all is their mean."""
    groups = [[number] for number in range(len(targets))] if groups is None else groups
    try:
        singles = [
            _numbers(function, function([targets[n] for n in group], [outputs[n] for n in group]))
            for group in groups
        ]
        scores = {name: np.array([one[name] for one in singles], float) for name in whole}
    except (*_MEANINGLESS, UserError):
        return {}
    return {
        name: score_I
        for name, score_I in scores.items()
        if np.isfinite(score_I).all()
        and np.isclose(score_I.mean(), whole[name], rtol=1e-5, atol=1e-8)
    }


def _percent(function: Callable, name: str) -> float:
    while isinstance(function, functools.partial):
        function = function.func
    is_t5 = (getattr(function, "__module__", None) or "").startswith("t5.")
    return 100.0 if is_t5 and name in _PERCENT else 1.0


def _rank(name: str) -> int:
    return PREFERRED.index(name) if name in PREFERRED else len(PREFERRED)


def _name(function: Callable) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)


def as_shares(name: str, score_I: Float[np.ndarray, " items"]) -> np.ndarray | None:
    """The scores as fractions of 1; None if they have another range.

    Scores of right and wrong answers may be in percent. Look at all arms that are compared: each
    alone may have another range.
    """
    if ((score_I >= 0) & (score_I <= 1)).all():
        return score_I
    if name in PREFERRED and np.isin(score_I, (0.0, 100.0)).all():
        return score_I / 100
    return None


def title_of(name: str) -> str:
    """What a report calls the score: the metric's own name."""
    return "exact match" if name in ("exact_match", "em") else name
