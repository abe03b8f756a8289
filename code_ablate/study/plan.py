"""What a study will cost, before anything runs.

    plan = make_plan(study, stores, hardware, runs_dir)
    plan = make_plan(study, stores, hardware, runs_dir, Pod("v5e:8x8", mesh))   # compiled for it
    print(plan)
    plan.refuse_if_impossible()       # UserError if a corpus would be read more than max_epochs

Time is an estimate: with a pod, from the compiled train step; else tokens over the speed of earlier
runs of the same model on these devices, or, if the hardware's peak is given, FLOPs of training
(formula in code_ablate.model.flops) over peak x expected utilisation.
"""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from etils import epath

from code_ablate.chips import find as find_chip
from code_ablate.data.store import TokenStore
from code_ablate.errors import UserError
from code_ablate.identity import to_plain
from code_ablate.model.flops import count_parameters, flops_per_token
from code_ablate.pods.pod import Pod, beside_the_paper
from code_ablate.pods.step_cost import StepCost
from code_ablate.progress import duration
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.training.devices import device_name, measure_peak
from code_ablate.training.phase import Phase, check_stores, corpus_usage, phase_stream, windows_read
from code_ablate.training.rundir import RunDirectory

STATE_BYTES_PER_PARAMETER = 16
"""float32 parameter, two moments and gradient."""

MOST_PROBLEMS = 4
"""Problems that are shown."""


@dataclass(frozen=True)
class Hardware:
    """What a study runs on, for the plan. Never changes what is trained."""

    chip: str | None = None
    """Short name in code_ablate.chips ("v5e", "h100"); None: the devices that are here."""
    chips: int = 1
    expected_mfu: float = 0.35
    """Share of the peak that training is expected to reach."""
    peak_flops: float | None = None
    """Peak FLOP/s of one chip in the compute dtype. None: the table's; of devices that are not in
    it, what a matrix product reaches here."""
    memory_gib: float | None = None
    """Memory of one chip. None: the table's."""

    def __post_init__(self):
        if self.chips < 1 or not 0 < self.expected_mfu <= 1:
            raise UserError(
                "Hardware: chips must be 1 or more, expected_mfu above 0 and at most 1."
            )
        for name in ("peak_flops", "memory_gib"):
            if getattr(self, name) is not None and not getattr(self, name) > 0:
                raise UserError(f"Hardware.{name} is {getattr(self, name)}; it must be above 0.")
        if self.chip is not None:
            known = find_chip(self.chip)
            object.__setattr__(self, "peak_flops", self.peak_flops or known.peak_flops)
            object.__setattr__(self, "memory_gib", self.memory_gib or known.memory_gib)

    def __str__(self) -> str:
        return f"{self.chips} x {self.chip}" if self.chip else device_name()


@dataclass(frozen=True)
class PhaseRow:
    """One distinct phase."""

    identity: str
    name: str
    mixture: str
    seed: int
    parent: str | None
    tokens: int
    steps: int
    used_by: tuple[str, ...]
    state: str
    """'complete', 'at step N' or 'to do'."""
    flops: float
    seconds: float
    """Estimated, of what is still to do."""


@dataclass(frozen=True)
class CorpusRow:
    """One corpus, over the arm that reads most of it."""

    corpus: str
    requested: int
    """Tokens, at most over all arms."""
    available: int | None
    """Tokens in the store; None where it is not prepared."""
    epochs: float | None


@dataclass(frozen=True)
class Plan:
    """A study, costed. `str(plan)` is what `code-ablate plan` prints."""

    study: Study
    hardware: Hardware
    phases: tuple[PhaseRow, ...]
    corpora: tuple[CorpusRow, ...]
    arms: int
    evaluations: int
    speed_from: str
    """How the time was estimated."""
    problems: tuple[str, ...]
    estimates: tuple[StepCost, ...] = ()
    """Of the distinct train steps, if a pod was asked about."""

    def refuse_if_impossible(self) -> None:
        """Raises UserError if a phase cannot be trained as it is."""
        if self.problems:
            raise UserError(self.problems[0])

    def __str__(self) -> str:
        return _format(self)


def make_plan(
    study: Study,
    stores: Mapping[str, TokenStore],
    hardware: Hardware,
    runs_dir: epath.PathLike,
    pod: Pod | None = None,
) -> Plan:
    """`stores`: the token stores that are prepared; the rest counts as unknown.

    With a pod, which takes the place of `hardware`, the train steps are compiled for it.
    """
    identities = {
        corpus: stores[corpus].manifest.identity if corpus in stores else f"unprepared {corpus}"
        for corpus in study.corpora
    }
    graph = PhaseGraph.of(study, identities)
    estimates = {name: pod.estimate(phase) for name, phase in graph.phases.items()} if pod else {}
    distinct = tuple({id(estimate): estimate for estimate in estimates.values()}.values())
    if pod:
        hardware = Hardware(distinct[0].chip.name, distinct[0].chips)
        speeds = {name: estimate.tokens_per_second for name, estimate in estimates.items()}
        speed_from = f"train steps compiled for {pod.topology}, below"
    else:
        speed, speed_from = _expected_speed(study, hardware, runs_dir)
        speeds = dict.fromkeys(graph.phases, speed)
    flops = flops_per_token(study.setting.model, study.setting.seq_len)
    rows = []
    for identity, phase in graph.phases.items():
        run = RunDirectory.of(runs_dir, phase, identity)
        step = phase.steps if run.complete else run.status.get("step", 0)
        state = "complete" if run.complete else f"at step {step}" if step else "to do"
        left = (phase.steps - step) * phase.batch_windows * phase.seq_len
        rows.append(
            PhaseRow(
                identity,
                phase.name,
                str(phase.mixture),
                phase.seed,
                graph.parents[identity],
                phase.realised_tokens,
                phase.steps,
                tuple(graph.users(identity)),
                state,
                flops * phase.realised_tokens,
                left / speeds[identity],
            )
        )
    return Plan(
        study,
        hardware,
        tuple(rows),
        tuple(_corpus_rows(study, graph, stores)),
        len(graph.arms),
        len(graph.evaluated),
        speed_from,
        (*_misfits(distinct), *_problems(study, graph, stores, identities)),
        distinct,
    )


def _misfits(estimates: tuple[StepCost, ...]):
    for estimate in estimates:
        if not estimate.fits:
            yield (
                f"the train step does not fit the memory of {estimate.topology}: set "
                "LoopConfig.microbatches = 2 or more, ModelConfig.remat = 'full', MeshConfig.data "
                "= 1 with fsdp = -1, or take more chips."
            )


def _corpus_rows(study: Study, graph: PhaseGraph, stores: Mapping[str, TokenStore]):
    for corpus in study.corpora:
        read = max(windows_read(arm.phase).get(corpus, 0) for arm in graph.arms)
        requested = read * study.setting.seq_len
        if corpus not in stores:
            yield CorpusRow(corpus, requested, available=None, epochs=None)
            continue
        windows = stores[corpus].num_windows(study.setting.seq_len)
        epochs = read / windows if windows else float("inf")
        yield CorpusRow(corpus, requested, windows * study.setting.seq_len, epochs)


def _problems(study: Study, graph: PhaseGraph, stores, identities):
    windows = {name: store.num_windows(study.setting.seq_len) for name, store in stores.items()}
    for phase in graph.phases.values():
        if all(corpus in stores for part in phase.chain for corpus in part.mixture.active):
            try:
                check_stores(phase, stores)
                phase_stream(phase, windows, identities)
            except UserError as error:
                yield str(error)


def _expected_speed(study: Study, hardware: Hardware, runs_dir: epath.PathLike):
    """(tokens per second, where the figure comes from)."""
    speeds = [] if hardware.peak_flops else list(_earlier_speeds(study, epath.Path(runs_dir)))
    if speeds:
        speed = statistics.median(speeds)
        return speed, f"{speed:,.0f} tokens/s: median of {len(speeds)} earlier runs of this model"
    peak = hardware.peak_flops or measure_peak()
    source = "peak" if hardware.peak_flops else "a matrix product measured now"
    speed = hardware.chips * peak * hardware.expected_mfu
    speed /= flops_per_token(study.setting.model, study.setting.seq_len)
    return speed, (
        f"{speed:,.0f} tokens/s: {hardware.chips} x {peak / 1e12:.3g} TFLOP/s ({source}) "
        f"x {hardware.expected_mfu:.0%} expected utilisation"
    )


def _earlier_speeds(study: Study, runs_dir: epath.Path):
    """Tokens per second of runs of the same shapes on the devices that are here."""
    wanted = (
        to_plain(study.setting.model),
        study.setting.seq_len,
        study.setting.batch_windows,
        device_name(),
    )
    for file in runs_dir.glob("*/config.json") if runs_dir.exists() else ():
        run = RunDirectory.open(file.parent)
        config, last = run.config, run.last_metrics()
        phase = config["phase"]
        shapes = (phase["model"], phase["seq_len"], phase["batch_windows"], config["device"])
        if shapes == wanted and "tokens_per_second" in last:
            yield last["tokens_per_second"]


def requested_share(phase: Phase, corpora: tuple[str, ...]) -> float:
    """Share of the tokens of the whole chain that is asked of `corpora`."""
    tokens = sum(part.realised_tokens for part in phase.chain)
    return sum(p.mixture.share_of(corpora) * p.realised_tokens for p in phase.chain) / tokens


def realised_share(phase: Phase, windows: Mapping[str, int], corpora: tuple[str, ...]) -> float:
    """Share of the tokens of the whole chain that came from `corpora`."""
    usage = corpus_usage(phase, windows)
    total = sum(corpus["tokens"] for corpus in usage.values())
    return sum(usage[c]["tokens"] for c in corpora if c in usage) / total


def _format(plan: Plan) -> str:
    setting = plan.study.setting
    parameters = count_parameters(setting.model)
    lines = [
        f"Study {plan.study.name}: {plan.arms} arms (recipe x seed x stage), "
        f"{len(plan.phases)} distinct phases, {plan.evaluations} evaluations",
        "",
        f"{'phase':<18}{'what':<14}{'seed':>4}{'tokens':>17}{'steps':>9}{'hours':>8}  {'state':<12}"
        "used by",
    ]
    for row in plan.phases:
        shared = " (shared)" if len(row.used_by) > 1 else ""
        lines.append(
            f"{row.identity:<18}{row.name:<14}{row.seed:>4}{row.tokens:>17,}{row.steps:>9,}"
            f"{row.seconds / 3600:>8.2f}  {row.state:<12}{', '.join(row.used_by)}{shared}"
        )
        after = f", after {row.parent}" if row.parent else ""
        lines.append(f"{'':<18}{row.mixture}{after}")
    lines += ["", f"{'corpus':<24}{'most tokens asked':>18}{'available':>16}{'epochs':>10}"]
    for corpus in plan.corpora:
        known = corpus.available is not None
        available = f"{corpus.available:,}" if known else "not prepared"
        epochs = f"{corpus.epochs:,.2f}" if corpus.epochs is not None else "?"
        lines.append(f"{corpus.corpus:<24}{corpus.requested:>18,}{available:>16}{epochs:>10}")
    tokens = sum(row.tokens for row in plan.phases)
    alone = sum(row.tokens * len(row.used_by) for row in plan.phases)
    saved = "no phase is shared between recipes"
    if alone > tokens:
        saved = f"{alone:,} if equal phases were not shared between recipes"
    seconds = sum(row.seconds for row in plan.phases)
    time = "unknown" if math.isnan(seconds) else f"about {duration(seconds)}"
    state_gib = parameters.total * STATE_BYTES_PER_PARAMETER / 2**30
    memory = f" of {plan.hardware.memory_gib:g}" if plan.hardware.memory_gib else ""
    lines += [
        "",
        f"parameters      {parameters.total:,}, of them {parameters.embedding:,} embedding",
        f"tokens          {tokens:,} in all; {saved}",
        f"training FLOPs  {sum(row.flops for row in plan.phases):.3g}",
        f"state           {state_gib:.3g} GiB{memory} if it is not sharded (parameters, moments, "
        "gradients; activations come on top)",
        f"training time   {time} for what is left, "
        f"{seconds / 3600 * plan.hardware.chips:,.4g} chip-hours on {plan.hardware}",
        f"                by {plan.speed_from}; evaluation and preparation are not in it",
    ]
    for estimate in plan.estimates:
        lines += ["", str(estimate), *beside_the_paper(setting.model, estimate)]
    problems = list(dict.fromkeys(plan.problems))
    lines += [f"PROBLEM         {problem}" for problem in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        lines.append(f"                and {len(problems) - MOST_PROBLEMS} problems more")
    return "\n".join(lines)
