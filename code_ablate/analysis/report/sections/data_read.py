"""What the recipes read: realised mixtures, and what preparation left of each corpus.

data_read(report)
"""

from dataclasses import dataclass

from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report import data_tables
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.drawing import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION
from code_ablate.analysis.report.elements import Section
from code_ablate.analysis.report.rendering import render

_COLOURS = (ORANGE, SKY, GREEN, PURPLE, VERMILION, BLUE)
_LEAST_LABEL = 0.045
"""Least share of a part that is wide enough to hold its number."""


@dataclass(frozen=True)
class Part:
    """A part of a bar."""

    name: str
    """The corpus; "others" for those without a colour of their own."""
    share: float
    """Share of the tokens, 0 to 1."""
    colour: str
    """As "#rrggbb"."""

    @property
    def label(self) -> str:
        """The share in whole percent; empty where it does not fit."""
        return f"{100 * self.share:.0f}" if self.share >= _LEAST_LABEL else ""


def data_read(report: Report) -> Section:
    """Bars of realised mixtures, the funnel in short, and every table of both."""
    colours = _colours(report)
    bars = [
        (
            report.title(place),
            [(r, _bar(report, place, r, colours)) for r in report.results.recipes_at(place)],
        )
        for place in report.places
    ]
    several = len(report.record.groups) > 1
    mixtures = [
        table
        for place in report.places
        for table in (
            *((data_tables.group_table(report, place),) if several else ()),
            data_tables.mixture_table(report, place),
        )
    ]
    html = render(
        "data_read.html",
        bars=bars[:1],
        later_bars=bars[1:],
        keys=dict.fromkeys((p.name, p.colour) for _, rows in bars for _, bar in rows for p in bar),
        mixtures=mixtures,
        kept=data_tables.kept_table(report),
        stores=[data_tables.store_table(report), data_tables.funnel_table(report)],
    )
    return Section("data", "What the recipes read", html)


def _colours(report: Report) -> dict[str, str]:
    """A colour for each of the corpora of which most is read; the others share grey."""
    tokens: dict[str, int] = {}
    for arm in report.record.arms:
        for corpus, use in arm.corpora.items():
            tokens[corpus] = tokens.get(corpus, 0) + use.tokens
    most = sorted(tokens, key=lambda name: -tokens[name])[: len(_COLOURS)]
    order = [name for name in tokens if name in most]
    return dict(zip(order, _COLOURS, strict=False))


def _bar(report: Report, place: Place, recipe: str, colours: dict[str, str]) -> list[Part]:
    """Shares of the corpora in all tokens of a recipe, the mean over its seeds."""
    arms = report.results.arms_of(recipe, place)
    shares: dict[str, float] = {}
    for arm in arms:
        for corpus, use in arm.corpora.items():
            shares[corpus] = shares.get(corpus, 0.0) + use.tokens / arm.tokens / len(arms)
    parts = [Part(name, shares[name], colour) for name, colour in colours.items() if name in shares]
    rest = sum(share for name, share in shares.items() if name not in colours)
    return [*parts, Part("others", rest, GREY)] if rest else parts
