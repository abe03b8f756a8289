"""Says what a study will be able to find, before it runs.

print(power_text(study, "runs/study-demo"))        # from an earlier study's noise
print(power_text(study, "0.01"))                   # from a guess of it
"""

from code_ablate.analysis.estimation.power import detectable_changes, guessed_change
from code_ablate.analysis.estimation.summary import summarise
from code_ablate.analysis.results.results import load_results
from code_ablate.errors import UserError
from code_ablate.evaluation.declarations import category_of
from code_ablate.jobs.report import is_results
from code_ablate.study.graph import Study


def power_text(study: Study, noise: str) -> str:
    """What the study will be able to find, in lines for the terminal.

    `noise`: folder of an earlier study, or a guess: standard deviation of the difference of two
    runs with the same seed, as a share of the baseline's score (0.01, or 1%). Raises UserError.
    """
    seeds, compared = len(study.seeds), _compared(study)
    guess = _number(noise)
    if guess is not None:
        metrics = len(study.suite.domains) + len({category_of(t) for t in study.suite.tasks})
        family = max(1, compared * metrics)
        change = two_digits(100 * guessed_change(guess, seeds=seeds, family=family))
        return (
            f"detectable      {change} %: the least change that four of five such studies would\n"
            f"                find if runs differ by {two_digits(100 * guess)} % (a guess), with "
            f"{seeds} seeds and {family} comparisons"
        )
    if not is_results(noise):
        raise UserError(
            f"--noise {noise}: neither the folder of a study's results nor a number, as 0.01."
        )
    results = load_results(noise)
    named = {t: s for t, s in study.analysis.primary_scores.items() if t in results.record.tasks}
    summary = summarise(results.scores, named=named)
    family = max(1, compared * len(summary.metrics))
    lines = [
        f"detectable      with {seeds} seeds, {family} comparisons, and noise and items as in "
        f"{noise}:",
        f"                {'metric':<44}{'typical recipe':>16}{'noisiest recipe':>17}",
    ]
    for row in detectable_changes(summary.comparisons, seeds=seeds, family=family):
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


def _compared(study: Study) -> int:
    """Comparisons with the baseline, of each metric."""
    arms = {(arm.recipe, arm.size, arm.stage) for arm in study.arms}
    return sum(
        recipe != study.baseline and (study.baseline, size, stage) in arms
        for recipe, size, stage in arms
    )


def _number(text: str) -> float | None:
    """0.01 of "0.01" and of "1%"; None if it is no number."""
    share = text.endswith("%")
    try:
        value = float(text.rstrip("%"))
    except ValueError:
        return None
    return value / 100 if share else value
