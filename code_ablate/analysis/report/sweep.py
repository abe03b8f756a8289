"""Which recipes differ in the share of the source alone: the line of the main figure.

swept_recipes(results, place)      # ("text_only", "code_25", ...), by share; () without a sweep
"""

from collections.abc import Mapping

from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.results.results import Results

FEWEST_SHARES = 3
"""Different shares that make a sweep: two points are a comparison, and no curve."""

_SAME = 1e-3
_SAME_BUDGET = 0.02

_Rates = Mapping[str, float]


def swept_recipes(results: Results, place: Place) -> tuple[str, ...]:
    """Recipes of one phase whose mixtures differ in the share of the source alone, by share.

    Within the source, and within the rest, their corpora stand in the same proportions, so that a
    recipe with a source of its own is no point of the curve; nor is one with another number of
    tokens. Empty if they have fewer than three different shares.
    """
    sides = {
        recipe: _sides(results, recipe, place)
        for recipe in results.recipes_at(place)
        if len(results.arms_of(recipe, place)[0].phases) == 1
    }
    tokens = {recipe: results.arms_of(recipe, place)[0].tokens for recipe in sides}
    best: tuple[str, ...] = ()
    for recipe, (source, rest) in sides.items():
        if not (source and rest):
            continue  # a mixture of one side alone says nothing about the other
        family = [
            name
            for name, (s, r) in sides.items()
            if _agree(s, source) and _agree(r, rest) and same_budget(tokens[name], tokens[recipe])
        ]
        if len(family) > len(best):
            best = tuple(sorted(family, key=lambda name: results.share(name, place)))
    shares = {round(results.share(name, place) / _SAME) for name in best}
    return best if len(shares) >= FEWEST_SHARES else ()


def same_budget(one: float, other: float) -> bool:
    """Whether two numbers of tokens are one budget: they differ by 2 % at most."""
    return abs(one - other) <= _SAME_BUDGET * max(one, other)


def _sides(results: Results, recipe: str, place: Place) -> tuple[_Rates, _Rates]:
    """Proportions of the corpora of the source, and of all other corpora; each empty or sum 1."""
    members = set(results.record.groups[results.record.source])
    corpora = results.arms_of(recipe, place)[0].corpora
    rates = {name: use.requested_share for name, use in corpora.items()}
    return (
        _proportions({name: rate for name, rate in rates.items() if name in members}),
        _proportions({name: rate for name, rate in rates.items() if name not in members}),
    )


def _proportions(rates: _Rates) -> _Rates:
    total = sum(rates.values())
    return {name: rate / total for name, rate in rates.items() if rate > 0} if total > 0 else {}


def _agree(one: _Rates, other: _Rates) -> bool:
    """Whether two sides have the same proportions; an absent side agrees with every other."""
    if not (one and other):
        return True
    names = set(one) | set(other)
    return all(abs(one.get(name, 0.0) - other.get(name, 0.0)) < _SAME for name in names)
