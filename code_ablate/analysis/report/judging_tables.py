"""Win rates for the console.

    print(judging_table(summary, "runs/a", "runs/b", "a judge"))
    print(group_table(by_group(judgements)))

The numbers are those of `estimation/win_rates.py`.
"""

from collections.abc import Mapping

from code_ablate.analysis.estimation.statistics import holm
from code_ablate.analysis.estimation.win_rates import Interval, JudgingSummary
from code_ablate.shown import one_line


def judging_table(summary: JudgingSummary, candidate: str, baseline: str, judge: str) -> str:
    """The summary for the console. `judge` says who judged, and by what."""
    left_out = f"{summary.unparseable} unparseable, {summary.unanswered} unanswered"
    share = f"{summary.prompts - summary.n} of {summary.prompts} prompts left out ({left_out})"
    low, high = (100 * bound for bound in summary.bounds)
    rows = {
        "candidate": candidate,
        "baseline": baseline,
        "judge": judge,
        "wins / losses / ties": f"{summary.wins} / {summary.losses} / {summary.ties}"
        f"  (n = {summary.n}; {summary.identical} with equal answers)",
        "win rate": _percent(summary.win_rate, summary.interval) + "  wins and half the ties",
        "sign test": f"p = {summary.sign_p:.3g}  ties left out",
        "left out": f"{share}; they could move the win rate to {low:.1f} or {high:.1f} %",
        "length-controlled": _percent(
            summary.length_controlled, summary.length_controlled_interval
        ),
        "characters": f"{summary.candidate_characters:.0f} against "
        f"{summary.baseline_characters:.0f} on average",
        "the longer wins": _percent(summary.longer_preferred, summary.longer_preferred_interval)
        + "  of wins and losses",
        "orders agree": _percent(summary.agreement, summary.agreement_interval),
        "prefers the first": _percent(summary.first_position, summary.first_position_interval)
        + "  50 % is without bias",
    }
    return "\n".join(f"{name:<22}{one_line(value)}" for name, value in rows.items())


def group_table(groups: Mapping[str, JudgingSummary]) -> str:
    """A line for each sort of request, for the console."""
    p_values = holm([summary.sign_p for summary in groups.values()])
    names = [one_line(name) for name in groups]
    width = max(map(len, names))
    lines = [f"{'':<{width}}  {'n':>4} {'wins':>5} {'losses':>7} {'ties':>5}  win rate; sign test"]
    for name, summary, p in zip(names, groups.values(), p_values, strict=True):
        counts = f"{summary.n:>4} {summary.wins:>5} {summary.losses:>7} {summary.ties:>5}"
        rate = _percent(summary.win_rate, summary.interval)
        lines.append(f"{name:<{width}}  {counts}  {rate}; p = {p:.3g}")
    lines.append(
        f"p is corrected by Holm's method for {len(groups)} tests. The intervals are not: with "
        "several of them, one may miss the truth by chance."
    )
    return "\n".join(lines)


def _percent(rate: float | None, interval: Interval | None) -> str:
    if rate is None:
        return "not defined"
    assert interval is not None, "a rate without its interval"
    return f"{100 * rate:.1f} % [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"
