"""A plan as the terminal shows it.

print(plan_text(plan))
"""

import math
from collections.abc import Iterator

from code_ablate.model.flops import count_parameters
from code_ablate.pods.pod import beside_the_paper
from code_ablate.progress import duration
from code_ablate.study.plan import Plan

STATE_BYTES_PER_PARAMETER = 16
"""float32 parameter, two moments and gradient."""

MOST_PROBLEMS = 4
"""Problems that are shown."""


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
    problems = list(dict.fromkeys(plan.problems))
    lines += [f"PROBLEM         {problem}" for problem in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        lines.append(f"                and {len(problems) - MOST_PROBLEMS} more problems")
    return "\n".join(lines)


def _phase_lines(plan: Plan) -> Iterator[str]:
    sizes = len(plan.study.models) > 1
    size = f"{'size':<8}" if sizes else ""
    yield (
        f"{'phase':<18}{'what':<14}{size}{'seed':>4}{'tokens':>17}{'steps':>9}{'hours':>8}  "
        f"{'state':<12}used by"
    )
    for row in plan.phases:
        shared = " (shared)" if len(row.used_by) > 1 else ""
        size = f"{row.size:<8}" if sizes else ""
        yield (
            f"{row.identity:<18}{row.name:<14}{size}{row.seed:>4}{row.tokens:>17,}{row.steps:>9,}"
            f"{_hours(row.seconds)}  {row.state:<12}{', '.join(row.used_by)}{shared}"
        )
        after = f", after {row.parent}" if row.parent else ""
        after += f", from the weights {row.weights}" if row.weights else ""
        first, last = row.learning_rates
        yield f"{'':<18}{row.mixture}{after}; learning rate {first:.2g} to {last:.2g}"


def _hours(seconds: float) -> str:
    return f"{'?':>8}" if math.isnan(seconds) else f"{seconds / 3600:>8.2f}"


def _share_lines(plan: Plan) -> Iterator[str]:
    """Shares of the groups, and the corpora that are in none of them."""
    groups = plan.study.share_groups
    if not groups:
        return
    widths = {name: max(10, len(name) + 2) for name in groups}
    heads = "".join(f"{name:>{width}}" for name, width in widths.items())
    sizes = len(plan.study.models) > 1
    yield (
        f"{'share of tokens':<26}{'stage':<14}{'size':<8}{heads}"
        if sizes
        else (f"{'share of tokens':<26}{'stage':<14}{heads}")
    )
    for row in plan.shares:
        shares = "".join(f"{row.shares[n]:>{w}.1%}" for n, w in widths.items())
        size = f"{row.size:<8}" if sizes else ""
        yield f"{row.recipe:<26}{row.stage:<14}{size}{shares}"
    for name, corpora in groups.items():
        yield f"{name} = {', '.join(corpora)}"
    grouped = {corpus for corpora in groups.values() for corpus in corpora}
    trained = {corpus for phase in plan.study.phases for corpus in phase.mixture.active}
    if others := sorted(trained - grouped):
        yield f"in no group: {', '.join(others)}"
    yield ""


def _corpus_lines(plan: Plan) -> Iterator[str]:
    yield f"{'corpus':<24}{'most tokens asked':>18}{'available':>16}{'epochs':>10}"
    for corpus in plan.corpora:
        known = corpus.available is not None
        available = f"{corpus.available:,}" if known else "not prepared"
        epochs = f"{corpus.epochs:,.2f}" if corpus.epochs is not None else "?"
        yield f"{corpus.corpus:<24}{corpus.requested:>18,}{available:>16}{epochs:>10}"


def _cost_lines(plan: Plan) -> Iterator[str]:
    tokens = sum(row.tokens for row in plan.phases)
    alone = sum(row.tokens * len(row.used_by) for row in plan.phases)
    saved = "no phase is shared between recipes"
    if alone > tokens:
        saved = f"{alone:,} if equal phases were not shared between recipes"
    seconds = sum(row.seconds for row in plan.phases)
    memory = f" of {plan.hardware.memory_gib:g}" if plan.hardware.memory_gib else ""
    for size, model in plan.study.models.items():
        count = count_parameters(model)
        state_gib = count.total * STATE_BYTES_PER_PARAMETER / 2**30
        yield f"model {size:<10}{count.total:,} parameters, of them {count.embedding:,} embedding"
        yield (
            f"                state {state_gib:.3g} GiB{memory} if it is not sharded (parameters, "
            "moments, gradients; activations come on top)"
        )
    yield f"tokens          {tokens:,} in all; {saved}"
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
            known = f"about {duration(plan.fleet.seconds)}, by earlier runs side by side"
        yield f"                {known}; the time above is for one after another"
    yield "                evaluation and preparation are not in it"
