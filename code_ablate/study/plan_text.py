"""A plan as the terminal shows it.

print(plan_text(plan))
"""

import math
from collections.abc import Iterator, Sequence

from code_ablate.model.config import ModelConfig
from code_ablate.model.flops import count_parameters
from code_ablate.pods.pod import beside_the_paper
from code_ablate.progress import duration
from code_ablate.study.corpus_plan import repeated, uncompared
from code_ablate.study.plan import Plan

STATE_BYTES_PER_PARAMETER = 16
"""float32 parameter, two moments and gradient."""

MOST_PROBLEMS = 4
"""Problems that are shown."""

MOST_WARNINGS = 6
"""Lines on corpora that are read more than once."""

MOST_NAMES = 8
"""Corpora of a group that are named; of more, the first few."""


def plan_text(plan: Plan) -> str:
    """What `code-ablate plan` prints."""
    lines = [
        f"Study {plan.study.folder}: {plan.arms} arms (recipe x size x seed x stage), "
        f"{len(plan.phases)} distinct phases, {plan.evaluations} evaluations",
        "",
        *_phase_lines(plan),
        "",
        *_share_lines(plan),
        *_corpus_lines(plan),
        "",
        *_cost_lines(plan),
    ]
    for model, cost in plan.step_costs:
        lines += ["", str(cost), *beside_the_paper(model, cost)]
    warnings = list(repeated(plan.corpora))
    lines += [f"REPEATED        {warning}" for warning in warnings[:MOST_WARNINGS]]
    if len(warnings) > MOST_WARNINGS:
        lines.append(f"                and {len(warnings) - MOST_WARNINGS} more")
    lines += [f"NOT COMPARED    {warning}" for warning in uncompared(plan.study)]
    problems = list(dict.fromkeys(plan.problems))
    lines += [f"PROBLEM         {problem}" for problem in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        lines.append(f"                and {len(problems) - MOST_PROBLEMS} more problems")
    return "\n".join(lines)


def _phase_lines(plan: Plan) -> Iterator[str]:
    width = _size_width(plan)
    size = f"{'size':<{width}}" if width else ""
    yield (
        f"{'phase':<18}{'what':<14}{size}{'seed':>4}{'tokens':>17}{'steps':>9}{'hours':>8}  "
        f"{'state':<12}used by"
    )
    for row in plan.phases:
        shared = " (shared)" if len(row.used_by) > 1 else ""
        size = f"{row.size:<{width}}" if width else ""
        yield (
            f"{row.identity:<18}{row.name:<14}{size}{row.seed:>4}{row.tokens:>17,}{row.steps:>9,}"
            f"{_hours(row.seconds)}  {row.state:<12}{', '.join(row.used_by)}{shared}"
        )
        after = f", after {row.parent}" if row.parent else ""
        after += f", from the weights {row.weights}" if row.weights else ""
        highest, last = row.learning_rates
        yield f"{'':<18}{row.mixture}{after}; learning rate {highest:.2g} to {last:.2g}"


def _size_width(plan: Plan) -> int:
    """Characters of the column of sizes; 0 where there is one size."""
    names = list(plan.study.models)
    return max(8, max(map(len, names)) + 2) if len(names) > 1 else 0


def _hours(seconds: float) -> str:
    return f"{'?':>8}" if math.isnan(seconds) else f"{seconds / 3600:>8.2f}"


def _share_lines(plan: Plan) -> Iterator[str]:
    """Shares of the groups, and the corpora that are in none of them."""
    groups = plan.study.share_groups
    if not groups:
        return
    widths = {name: max(10, len(name) + 2) for name in groups}
    heads = "".join(f"{name:>{width}}" for name, width in widths.items())
    width = _size_width(plan)
    size = f"{'size':<{width}}" if width else ""
    yield f"{'share of tokens':<26}{'stage':<14}{size}{heads}"
    for row in plan.shares:
        shares = "".join(f"{row.shares[n]:>{w}.1%}" for n, w in widths.items())
        size = f"{row.size:<{width}}" if width else ""
        yield f"{row.recipe:<26}{row.stage:<14}{size}{shares}"
    for name, corpora in groups.items():
        yield f"{name} = {_names(corpora)}"
    grouped = {corpus for corpora in groups.values() for corpus in corpora}
    trained = {corpus for phase in plan.study.phases for corpus in phase.mixture.active}
    if others := sorted(trained - grouped):
        yield f"in no group: {_names(others)}"
    yield ""


def _names(corpora: Sequence[str]) -> str:
    if len(corpora) <= MOST_NAMES:
        return ", ".join(corpora)
    few = MOST_NAMES // 2
    return f"{', '.join(corpora[:few])} and {len(corpora) - few} more"


def _corpus_lines(plan: Plan) -> Iterator[str]:
    yield f"{'corpus':<30}{'most tokens asked':>18}{'available':>18}{'epochs':>10}"
    for corpus in plan.corpora:
        known = corpus.available is not None
        available = f"{corpus.available:,}" if known else "not prepared"
        epochs = f"{corpus.epochs:,.2f}" if corpus.epochs is not None else "?"
        expected = "  expected, not prepared" if corpus.expected and known else ""
        yield f"{corpus.corpus:<30}{corpus.requested:>18,}{available:>18}{epochs:>10}{expected}"


def _cost_lines(plan: Plan) -> Iterator[str]:
    seconds = sum(row.seconds for row in plan.phases)
    yield from _model_lines(plan)
    yield f"tokens          {sum(row.tokens for row in plan.phases):,} in all"
    yield f"                {_saved(plan)}"
    yield f"training FLOPs  {sum(row.flops for row in plan.phases):.3g}"
    if math.isnan(seconds):
        yield f"training time   unknown on {plan.hardware}"
    else:
        hours = seconds / 3600 * plan.hardware.chips
        yield (
            f"training time   about {duration(seconds)} for what is left, {hours:,.4g} chip-hours "
            f"on {plan.hardware}"
        )
    for line in plan.speeds:
        yield f"                by {line}"
    if plan.fleet:
        yield f"side by side    {plan.fleet}"
        known = "what that saves is not known: no such run was measured here yet"
        if not math.isnan(plan.fleet.seconds):
            time = duration(plan.fleet.seconds)
            known = f"about {time}, by earlier runs side by side of models like these"
        yield f"                {known}; the time above is for one after another"
    yield "                evaluation and preparation are not in it"


def _model_lines(plan: Plan) -> Iterator[str]:
    """Parameters and memory of each model, with the sizes that have it."""
    sizes: dict[ModelConfig, list[str]] = {}
    for size, model in plan.study.models.items():
        sizes.setdefault(model, []).append(size)
    memory = f" of {plan.hardware.memory_gib:g}" if plan.hardware.memory_gib else ""
    chips = plan.hardware.chips
    for model, names in sizes.items():
        count = count_parameters(model)
        gib = count.total * STATE_BYTES_PER_PARAMETER / 2**30
        split = f", {gib / chips:.3g} on each of {chips} chips that split it" if chips > 1 else ""
        yield (
            f"model {'; '.join(names):<9} {count.total:,} parameters, of them "
            f"{count.embedding:,} embedding"
        )
        yield (
            f"                state {gib:.3g} GiB{memory} if it is not sharded{split} (parameters, "
            "moments, gradients; activations come on top)"
        )


def _saved(plan: Plan) -> str:
    """What sharing of equal phases saves."""
    if not plan.tokens_saved:
        return "no phase is shared between recipes"
    shared = sum(len(row.used_by) > 1 for row in plan.phases)
    hours = plan.chip_hours_saved
    worth = "" if math.isnan(hours) else f", {hours:,.4g} chip-hours"
    return (
        f"{plan.tokens_saved:,} more if equal phases were not trained once{worth}: {shared} of "
        f"{len(plan.phases)} phases are shared"
    )
