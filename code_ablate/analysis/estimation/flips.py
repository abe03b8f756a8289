"""Whether what holds in one setting of a study holds in its others: at another learning rate, ...

    flips = find_flips(summary)
    flips.held, flips.turned        # 12 conclusions, of which 3 turn around in another setting

A conclusion is a difference of a recipe from the baseline on one metric at one stage, which holds
after Holm's correction in at least one setting.
"""

from dataclasses import dataclass

from code_ablate.analysis.estimation.estimates import Comparison
from code_ablate.analysis.estimation.summary import Summary


@dataclass(frozen=True)
class Flips:
    """Conclusions of a study of several settings, by what becomes of them."""

    sizes: tuple[str, ...]
    """Names of the settings: sizes, as in `Place.size`."""
    held: int
    """Conclusions: differences that hold in one setting at least, and were looked at in several."""
    not_everywhere: int
    """Those of them that do not hold in every setting, in either direction."""
    turned: int
    """Those whose estimate lies on the other side of zero in another setting."""
    reversed: int
    """Those that hold in the other direction in another setting."""


def find_flips(summary: Summary) -> Flips:
    """What becomes of each conclusion where the size is another one."""
    found: dict[tuple[str, str, str], list[Comparison]] = {}
    for comparison in summary.comparisons:
        key = (comparison.recipe, comparison.place.stage, comparison.metric.key)
        found.setdefault(key, []).append(comparison)
    several = [group for group in found.values() if len(group) > 1]
    held = [group for group in several if any(c.certain() for c in group)]
    return Flips(
        sizes=tuple(dict.fromkeys(place.size for place in summary.places)),
        held=len(held),
        not_everywhere=sum(not all(c.certain() for c in group) for group in held),
        turned=sum(_turns(group) for group in held),
        reversed=sum(len({c.better for c in group if c.certain()}) > 1 for group in held),
    )


def _turns(group: list[Comparison]) -> bool:
    """Whether a difference that holds has an estimate of the other sign elsewhere."""
    return any(held.certain() and c.better != held.better for held in group for c in group)
