"""What the laws of the mixture say, as text for a terminal.

print(law_text(find_optimum(stack, objective, region)))
print(batch_text(design_batch(records, region)))
"""

import numpy as np

from code_ablate.analysis.laws.design import Proposal
from code_ablate.analysis.laws.optimum import Optimum
from code_ablate.shown import one_line

_MOST_TARGETS = 30
_WEAK = 0.5
"""Rank correlation on held-out mixtures below which the reader is warned."""


def law_text(optimum: Optimum) -> str:
    """Runs, laws, the pick, the mixtures as good as it, and what to beware of."""
    laws, shares, targets = (_table(*table) for table in law_tables(optimum))
    parts = ["\n".join(about_runs(optimum)), laws, "\n".join(about_pick(optimum))]
    parts += [shares, targets, "\n".join(warnings_of(optimum))]
    return "\n\n".join(part for part in parts if part)


def about_runs(optimum: Optimum) -> list[str]:
    """What the laws were fitted to, in sentences."""
    records, objective = optimum.stack.records, optimum.objective
    mixtures = records.mixture_N.max() + 1
    better = "more" if objective.sign < 0 else "less"
    lines = [
        f"{len(records.runs)} runs on {mixtures} different mixtures of {len(records.corpora)} "
        f"corpora; {len(records.targets)} targets. Judged by: {one_line(objective.unit)}, {better} "
        "is better."
    ]
    missing = int((~records.known_NT).sum())
    if missing:
        values = "1 value is" if missing == 1 else f"{missing} values are"
        lines.append(f"{values} missing; each law is fitted to what is there.")
    used_C = np.asarray((records.rates_NC > 0).any(axis=0))
    unused = [name for name, used in zip(records.corpora, used_C, strict=True) if not used]
    if unused:
        lines.append(
            f"No run used {', '.join(map(one_line, unused))}: nothing is known of it, and the pick "
            "has none unless a constraint asks for it."
        )
    if optimum.stack.at:
        at = ", ".join(f"{name} {value:,.0f}" for name, value in optimum.stack.at.items())
        lines.append(f"Runs differ in {' and '.join(optimum.stack.at)}; predicted for {at}.")
    return lines


TextTable = tuple[str, list[str], list[list[str]]]
"""Title, header and rows."""


def law_tables(optimum: Optimum) -> tuple[TextTable, TextTable, TextTable]:
    """The laws and how well they predict, shares of good mixtures, predicted targets."""
    return _laws(optimum), _shares(optimum), _targets(optimum)


def _laws(optimum: Optimum) -> TextTable:
    table = optimum.stack.table()
    rows = [
        [row.law, f"{row.weight:.2f}", f"{row.error:.2f}", f"{row.rank:.3f}"]
        for row in table.itertuples()
    ]
    title = (
        "Laws, tested on mixtures that were held out (error in standard deviations of a target):"
    )
    return title, ["law", "weight", "error", "rank correlation"], rows


def about_pick(optimum: Optimum) -> list[str]:
    """The pick, what it is expected to lose, and how many mixtures are as good, in sentences."""
    outlook, sign = optimum.outlook, optimum.objective.sign
    low, high = sorted(sign * outlook.interval_2M(optimum.level)[:, optimum.pick])
    good = len(optimum.good_MC)
    percent = f"{100 * optimum.level:.0f} %"
    lines = [
        f"Pick: {_number(sign * outlook.predicted_M[optimum.pick])} predicted ({percent} interval "
        f"{_number(low)} to {_number(high)}).",
        f"It is expected to be {_number(optimum.expected_regret)} worse than the best mixture that "
        "is allowed, because that one is not known exactly.",
        f"{good:,} of {len(outlook.rates_MC):,} mixtures compared cannot be told from the best: "
        f"with probability {percent} it is among them. The table gives the range of their shares: "
        "within it, choose by cost or convenience.",
    ]
    if best := optimum.best_run():
        lines.append(f"The best of the runs: {_number(best[1])} measured ({one_line(best[0])}).")
    if optimum.region.today:
        today = optimum.objective.of(optimum.stack.standardised(optimum.region.today_C[None]))[0]
        lines.append(f"Today's mixture: {_number(sign * today)} predicted.")
    return lines


def _shares(optimum: Optimum) -> TextTable:
    table = optimum.ranges().sort_values("pick", ascending=False)
    header = ["corpus", "pick", "good mixtures", "runs had"]
    if optimum.region.today:
        header.append("today")
    rows = []
    for row in table.itertuples():
        cells = [
            one_line(row.corpus),
            f"{100 * row.pick:.1f}",
            f"{100 * row.least:.1f} to {100 * row.greatest:.1f}",
            f"{100 * row.least_run:.1f} to {100 * row.greatest_run:.1f}",
        ]
        rows.append([*cells, f"{100 * row.today:.1f}"] if optimum.region.today else cells)
    return "Shares of the tokens, %:", header, rows


def _targets(optimum: Optimum) -> TextTable:
    table = optimum.targets()
    header = ["target", "pick", "mean of the runs"]
    if optimum.region.today:
        header.append("today")
    rows = [
        [one_line(row[0]), *map(_number, row[1:])]
        for row in table.head(_MOST_TARGETS).itertuples(index=False)
    ]
    title = "Predicted targets:"
    if len(table) > len(rows):
        title = f"Predicted targets, the first {len(rows)} of {len(table)}:"
    return title, header, rows


def warnings_of(optimum: Optimum) -> list[str]:
    """What to beware of, in sentences."""
    lines = []
    if optimum.outside_M[optimum.pick]:
        lines.append(
            "OUTSIDE THE DATA: the pick lies farther from all runs than runs lie from each other. "
            "Train it, or mixtures on the way to it, before believing the figures "
            "(code-ablate design)."
        )
    good = optimum.outlook.good_M(optimum.level)
    outside = int(optimum.outside_M[good].sum())
    if outside:
        lines.append(f"{outside} of the {int(good.sum())} good mixtures lie outside the data.")
    stack_row = optimum.stack.table().iloc[0]
    if stack_row["rank"] < _WEAK:
        lines.append(
            f"WEAK LAWS: the order of held-out mixtures is predicted with rank correlation "
            f"{stack_row['rank']:.2f} only. More runs, or targets with less noise, are needed."
        )
    return lines


def batch_text(proposal: Proposal) -> str:
    """Each run's shares in words, and what the batch is expected to give."""
    corpora, batch, lines = proposal.corpora, proposal.batch, []
    for number, rates_C in enumerate(proposal.rates_BC, 1):
        order = [c for c in np.argsort(-rates_C) if rates_C[c] >= 0.0005]
        shares = ", ".join(f"{one_line(corpora[c])} {100 * rates_C[c]:.1f}" for c in order)
        repeat = " (repeat)" if batch is not None and batch.repeats_B[number - 1] else ""
        lines.append(f"{number:3d}{repeat}  {shares}")
    head = f"Train these {len(lines)} mixtures next (shares in %):"
    if batch is None:
        return "\n".join([head, *lines, "They lie far apart; a later batch can build on them."])
    after = (
        f"Today's pick is expected to be {_number(batch.regret_before)} worse than the best "
        f"({one_line(proposal.unit)}); with these runs, {_number(batch.regret_after)}."
    )
    return "\n".join([head, *lines, after])


def _number(value: float) -> str:
    return f"{value:.4g}"


def _table(title: str, header: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [title]
    for row in [header, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)
