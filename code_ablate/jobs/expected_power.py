"""Says what a study will be able to find, before it runs.

print(power_text(study, "runs/study-demo"))        # from an earlier study's noise
print(power_text(study, "0.01"))                   # from a guess of it
"""

from collections.abc import Sequence

from code_ablate.analysis.estimation.power import detectable_changes, guessed_change
from code_ablate.analysis.estimation.summary import summarise
from code_ablate.analysis.results.frozen import Hypothesis
from code_ablate.analysis.results.results import load_results
from code_ablate.errors import UserError
from code_ablate.evaluation.declarations import category_of
from code_ablate.evaluation.kinds import BITS_PER_BYTE
from code_ablate.jobs.report import is_results
from code_ablate.study.graph import Study


def power_text(study: Study, noise: str) -> str:
    """What the study will be able to find, in lines for the terminal.

    `noise`: folder of an earlier study, or a guess: standard deviation of the difference of two
    runs with the same seed, as a share of the baseline's score (0.01, or 1%). Raises UserError.
    """
    seeds = len(study.seeds)
    guess = _number(noise)
    if guess is not None:
        keys = [f"{BITS_PER_BYTE}/{corpus}" for corpus in study.suite.domains]
        keys += [f"accuracy/{name}" for name in {category_of(t) for t in study.suite.tasks}]
        # Which kind of score a category has is not known yet: a hypothesis may name another.
        family = len(_family(study, keys)) or max(1, len(_compared(study, keys)))
        change = two_digits(100 * guessed_change(guess, seeds=seeds, family=family))
        return (
            f"detectable      {change} %: the least change that four of five such studies would\n"
            f"                find if runs differ by {two_digits(100 * guess)} % (a guess), with "
            f"{seeds} seeds and {family} comparisons"
        )
    if not is_results(noise):
        raise UserError(
            f"--noise {noise}: neither the folder of a study's results nor a number such as 0.01."
        )
    results = load_results(noise)
    scores = {t: s for t, s in study.analysis.primary_scores.items() if t in results.record.tasks}
    summary = summarise(results.scores, named=scores)
    named = _family(study, [metric.key for metric in summary.metrics])
    if study.analysis.hypotheses and not named:
        raise UserError(
            "the hypotheses (AnalysisPlan.hypotheses) name no comparison of a metric that "
            f"{noise} has: {', '.join(metric.key for metric in summary.metrics)}."
        )
    family, named_keys = max(1, len(named)), {key for _, key in named}
    lines = [
        f"detectable      with {seeds} seeds, {family} comparisons, and noise and items as in "
        f"{noise}:",
        f"                {'metric':<44}{'typical recipe':>16}{'noisiest recipe':>17}",
    ]
    known = [c for c in summary.comparisons if c.metric.key in named_keys or not named]
    for row in detectable_changes(known, seeds=seeds, family=family):
        scale = 100.0 if row.relative else row.metric.form[0]
        unit = " %" if row.relative else " points" if row.metric.is_share else ""
        cells = [two_digits(scale * x) + unit for x in (row.typical, row.largest)]
        name = f"{row.metric.label}, {row.metric.name}"
        lines.append(f"                {name:<44}{cells[0]:>16}{cells[1]:>17}  {row.noisiest}")
    lines.append(
        "                the least change that four of five such studies would call different"
    )
    return "\n".join(lines)


def two_digits(value: float) -> str:
    """0.0123 -> "0.012", 2.34 -> "2.3", 1234.5 -> "1,234"."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _compared(study: Study, keys: Sequence[str]) -> list[tuple[str, str]]:
    """Recipe and metric of every comparison with the baseline, by size and stage."""
    arms = {(arm.recipe, arm.size, arm.stage) for arm in study.arms}
    recipes = [
        recipe
        for recipe, size, stage in arms
        if recipe != study.baseline and (study.baseline, size, stage) in arms
    ]
    return [(recipe, key) for recipe in recipes for key in keys]


def _family(study: Study, keys: Sequence[str]) -> list[tuple[str, str]]:
    """The comparisons that are corrected for together: those that hypotheses name, if any do."""
    hypotheses = [Hypothesis.parse(text) for text in study.analysis.hypotheses]
    return [
        (recipe, key)
        for recipe, key in _compared(study, keys)
        if not hypotheses or any(hypothesis.covers(recipe, key) for hypothesis in hypotheses)
    ]


def _number(text: str) -> float | None:
    """0.01 of "0.01" and of "1%"; None if it is no number."""
    share = text.endswith("%")
    try:
        value = float(text.rstrip("%"))
    except ValueError:
        return None
    return value / 100 if share else value
