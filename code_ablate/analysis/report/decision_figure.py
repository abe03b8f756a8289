"""The figures of what scores can decide: signal to noise, and a small size beside the largest.

signal_figure(report, place)      # a panel per category of tasks, a row per task
size_figure(report)               # a panel per task: recipes at the smallest size and the largest
"""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from code_ablate.analysis.estimation.decisions import LEAST_RATIO, Decision
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.estimation.task_decisions import metric_of
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.decision_phrases import in_unit, ranged_text, shared_recipes
from code_ablate.analysis.report.drawing import BLUE, GREY, MARKERS, VERMILION, Drawing, panel
from code_ablate.analysis.report.elements import Key
from code_ablate.analysis.report.phrases import whole_percent

MOST_TASKS = 6
"""Tasks that are drawn at two sizes: those with the largest signal-to-noise ratio."""

_PALE = "#909090"
_TICKS = (0, 1, 2, 5, 20, 100, 500, 2000)
_ROW_INCHES, _SCORE_INCHES = 0.14, 0.1


def signal_figure(report: Report, place: Place) -> Drawing | None:
    """Signal-to-noise ratio of every score of every task at a place, with intervals.

    The score that counts is filled; grey is what is under 2. None where no ratio can be told.
    """
    signals = {
        (task, score): signal
        for (task, score, where), signal in report.evidence.decided.signals.items()
        if where == place and task in report.evidence.primary
    }
    if not signals:
        return None
    tasks = report.summary.scores.tasks
    names = dict.fromkeys(metric_of(tasks[task], score).name for task, score in signals)
    markers = {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(names)}
    by_category: dict[str, dict[str, list[str]]] = {}
    for task, score in sorted(signals, key=lambda key: not tasks[key[0]].domain):
        group = by_category.setdefault(tasks[task].category, {})
        group.setdefault(task, []).append(score)
    ends = [s.ratio.high or s.ratio.value for s in signals.values()]
    most = min(2 * max(s.ratio.value for s in signals.values()), max(ends))
    panels = tuple(
        _signal_panel(report, place, category, rows, markers, max(3.0, most))
        for category, rows in by_category.items()
    )
    keys = [Key(name, BLUE, marker) for name, marker in markers.items()]
    keys += [
        Key("filled: the score that counts", BLUE, "o", "-"),
        Key("another score", BLUE, "o", "-", face="white"),
        Key(f"under {LEAST_RATIO:g}: decides nothing", _PALE, "o", "-"),
    ]
    decide = sum(report.evidence.decides(task, place) for task in report.evidence.primary)
    alt = (
        f"Signal to noise {report.title(place)}: {decide} of {len(report.evidence.primary)} tasks "
        f"reach {LEAST_RATIO:g} by the score that counts"
    )
    return Drawing(alt, panels, tuple(keys))


def _signal_panel(
    report: Report,
    place: Place,
    category: str,
    rows: Mapping[str, Sequence[str]],
    markers: Mapping[str, str],
    most: float,
) -> Axes:
    tasks, evidence = report.summary.scores.tasks, report.evidence
    widest = max(map(len, rows.values()))
    axis = panel(
        category.replace("_", " "),
        x_label="signal to noise",
        rows=[tasks[task].label for task in rows],
        name_letters=max(len(tasks[task].label) for task in evidence.primary),
        row_inches=_ROW_INCHES + _SCORE_INCHES * widest,
    )
    axis.set_xscale("symlog", linthresh=2.0, linscale=0.6)
    axis.set_xlim(-0.1, most * 1.1)
    ticks = [tick for tick in _TICKS if tick <= most * 1.1]
    axis.set_xticks(ticks, [f"{tick}" for tick in ticks])
    axis.minorticks_off()
    axis.axvline(LEAST_RATIO, color="#444444", linewidth=0.9, linestyle=":")
    for row, (task, scores) in enumerate(rows.items()):
        # The score that counts stands on top.
        ordered = sorted(scores, key=lambda score: score != evidence.primary[task].score)
        for number, score in enumerate(ordered):
            signal = evidence.decided.signals[task, score, place]
            counts = score == evidence.primary[task].score
            colour = BLUE if signal.decides else _PALE
            y = row + (number - (len(ordered) - 1) / 2) * 0.72 / widest
            ratio = signal.ratio
            if ratio.low is not None and ratio.high is not None:
                ends = [ratio.low, min(ratio.high, most * 1.1)]
                axis.plot(ends, [y, y], color=colour, linewidth=2.0 if counts else 0.8)
            axis.plot(
                min(ratio.value, most * 1.1),
                y,
                marker=markers[metric_of(tasks[task], score).name],
                ms=6 if counts else 3.5,
                markeredgecolor=colour,
                markerfacecolor=colour if counts else "white",
            )
    return axis


def size_figure(report: Report) -> Drawing | None:
    """Recipes' scores at the smallest size against those at the largest, task by task.

    Of the `MOST_TASKS` tasks with the largest signal-to-noise ratio at the small size, by the score
    that counts, at the first stage that both have. None where recipes have results at one size.
    """
    found = _drawn_decisions(report)
    if not found:
        return None
    small, large, _ = pair = next(iter(found))[1]
    panels = tuple(_size_panel(report, task, pair, found[task, pair]) for task, _ in found)
    keys = [
        Key("a recipe, mean over seeds", BLUE, "o"),
        Key(f"{report.baseline}, the baseline", BLUE, "s"),
        Key(f"best at {small}: the pick", VERMILION, "^"),
        Key("best at both", VERMILION, "D"),
        Key(f"best at {large}", VERMILION, "v", face="white"),
    ]
    if not all(report.evidence.decides(task, Place(small, pair[2])) for task, _ in found):
        keys.append(Key(f"signal to noise under {LEAST_RATIO:g}", _PALE, "o"))
    alt = f"Scores of recipes at {small} against those at {large}"
    return Drawing(alt, panels, tuple(keys))


def _drawn_decisions(
    report: Report,
) -> dict[tuple[str, tuple[str, str, str]], Decision]:
    """(task, (small, large, stage)) -> decision, the tasks that are drawn."""
    evidence = report.evidence
    pairs = [pair for task in evidence.primary for pair in evidence.decisions(task)]
    if not pairs:
        return {}
    order = [place.size for place in report.places], [place.stage for place in report.places]
    pair = min(pairs, key=lambda p: (order[1].index(p[2]), order[0].index(p[0])))
    ratios = {
        task: signal.ratio.value
        for task in evidence.primary
        if pair in evidence.decisions(task)
        if (signal := evidence.signal(task, Place(pair[0], pair[2]))) is not None
    }
    drawn = sorted(ratios, key=lambda task: -ratios[task])[:MOST_TASKS]
    return {(task, pair): evidence.decisions(task)[pair] for task in drawn}


def size_caption(report: Report) -> str:
    """What `size_figure` shows; "" for a study without it."""
    found = _drawn_decisions(report)
    if not found:
        return ""
    small, large, _ = pair = next(iter(found))[1]
    count = sum(pair in report.evidence.decisions(task) for task in report.evidence.primary)
    chosen = ""
    if len(found) < count:
        chosen = (
            f" Drawn are the {len(found)} of {count} tasks with the largest signal to noise at "
            f"{small}."
        )
    return (
        f"Recipes at {small} and at {large}, by the score that counts. Below each: the share of "
        "pairs of recipes that both sizes order alike, with its "
        f"{whole_percent(report.summary.settings.confidence)} interval, and what is lost at the "
        "large size by whoever decides at the small one, between two recipes and among all."
        f"{chosen} Axes do not start at zero."
    )


def _size_panel(report: Report, task: str, pair: tuple[str, str, str], decision: Decision) -> Axes:
    small, large, stage = pair
    places = Place(small, stage), Place(large, stage)
    metric = metric_of(report.summary.scores.tasks[task], report.evidence.primary[task].score)
    accuracy = ranged_text(decision.accuracy, lambda share: f"{100 * share:.0f}")
    two, all_ = in_unit(metric, decision.regret.value), in_unit(metric, decision.lost)
    scale = metric.form[0]
    axis = panel(
        f"{metric.label}, {metric.unit}",
        y_label=f"at {large}",
        x_label=f"at {small}\nalike: {accuracy} %\nlost: {two} of two, {all_} of all",
        height=3.05,
    )
    decides = report.evidence.decides(task, places[0])
    for number, name in enumerate(shared_recipes(report, *places)):
        picked, best = number == decision.pick, number == decision.best
        marker = "s" if name == report.baseline else "o"
        colour = BLUE if decides else _PALE
        if picked or best:
            marker = "D" if picked and best else "^" if picked else "v"
            colour = VERMILION if decides else GREY
        filled = picked or not best
        axis.plot(
            scale * decision.small[number],
            scale * decision.large[number],
            marker=marker,
            ms=7 if picked or best else 5,
            color=colour,
            markerfacecolor=colour if filled else "white",
        )
    axis.margins(0.12)
    return axis
