"""What a study will cost, before anything runs.

    plan = make_plan(study, stores, hardware, runs_dir)
    plan = make_plan(study, stores, hardware, runs_dir, Pod("v5e:8x8", mesh))   # compiled for it
    print(plan_text(plan))            # code_ablate.study.plan_text
    plan.refuse_if_impossible()       # UserError if a corpus would be read more than max_epochs

Time is an estimate, phase by phase, from each phase's own model and shapes: with a pod, from the
compiled train step; else tokens over the speed of earlier runs on these devices, of the same shapes
or by their FLOP/s of others; or, if the hardware's peak is given or nothing has run here, FLOPs of
training (formula in code_ablate.model.flops) over peak x expected utilisation.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from etils import epath

from code_ablate.data.store import Stores
from code_ablate.errors import UserError
from code_ablate.model.config import ModelConfig
from code_ablate.model.flops import flops_per_token
from code_ablate.pods.pod import Pod
from code_ablate.pods.step_cost import StepCost
from code_ablate.study.corpus_plan import CorpusRow, corpus_rows, unreadable
from code_ablate.study.earlier_runs import EarlierRuns
from code_ablate.study.fleet_plan import FleetPlan
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.study.hardware import Hardware, device_here
from code_ablate.study.phase_keys import unprepared
from code_ablate.study.trainers import fleet_members, in_processes
from code_ablate.training.execution import FleetConfig
from code_ablate.training.phase import Phase
from code_ablate.training.rundir import RunDirectory


@dataclass(frozen=True)
class PhaseRow:
    """One distinct phase."""

    identity: str
    """Identity of the phase."""
    name: str
    """What it is for."""
    size: str
    """Name of its model size."""
    mixture: str
    """Its mixture, in words: by roles where these have several corpora."""
    seed: int
    """Its seed."""
    parent: str | None
    """Identity of the phase it starts from; None: from initialisation."""
    tokens: int
    """Tokens it trains on."""
    steps: int
    """Train steps."""
    learning_rates: tuple[float, float]
    """Its highest learning rate and that of its last step."""
    used_by: tuple[str, ...]
    """Recipes with seed that need it."""
    state: str
    """'complete', 'params gone' (complete, its last checkpoint deleted), 'at step N' or 'to do'."""
    flops: float
    """Floating-point operations of its training."""
    tokens_to_do: int
    """Tokens of it that are still to do."""
    seconds: float
    """Estimated seconds of what is still to do."""
    tokens_per_second: float
    """Estimated speed; not a number where nothing says it."""
    weights: str = ""
    """Digest of the weights made elsewhere that it starts from; empty: none."""


@dataclass(frozen=True)
class ShareRow:
    """What one recipe asks of the groups of corpora, at one stage and size."""

    recipe: str
    """Name of the recipe."""
    size: str
    """Name of the model size."""
    stage: str
    """Name of the stage."""
    tokens: int
    """Tokens over all phases up to the stage."""
    shares: dict[str, float]
    """Share of these tokens that is asked of each group, 0 to 1."""


@dataclass(frozen=True)
class Plan:
    """A study, costed. `plan_text` in the module of that name is what `code-ablate plan` prints."""

    study: Study
    """The study."""
    hardware: Hardware
    """What it is planned for."""
    phases: tuple[PhaseRow, ...]
    """Distinct phases, parents before children."""
    shares: tuple[ShareRow, ...]
    """Recipes with their stages and sizes."""
    corpora: tuple[CorpusRow, ...]
    """Every corpus that is read."""
    arms: int
    """Recipes x sizes x seeds x stages."""
    evaluations: int
    """Distinct checkpoints that are evaluated."""
    speeds: tuple[str, ...]
    """How the time was estimated: a line for each shape of train step."""
    problems: tuple[str, ...]
    """Why the study cannot be run as it is; empty if it can."""
    step_costs: tuple[tuple[ModelConfig, StepCost], ...] = ()
    """The distinct train steps on the pod, with their models, if a pod was asked about."""
    fleet: FleetPlan | None = None
    """Phases that are trained at the same time; None: one after another, or not known."""

    @property
    def tokens_saved(self) -> int:
        """Tokens that would be trained on more if equal phases were not shared."""
        return sum(row.tokens * (len(row.used_by) - 1) for row in self.phases)

    @property
    def chip_hours_saved(self) -> float:
        """Chip-hours that would go into these tokens; not a number where no speed is known."""
        seconds = sum(
            row.tokens * (len(row.used_by) - 1) / row.tokens_per_second for row in self.phases
        )
        return seconds / 3600 * self.hardware.chips

    def refuse_if_impossible(self) -> None:
        """Raises UserError if a phase cannot be trained as it is."""
        if self.problems:
            raise UserError(self.problems[0])


def make_plan(
    study: Study,
    stores: Stores,
    hardware: Hardware,
    runs_dir: epath.PathLike,
    pod: Pod | None = None,
    fleet: FleetConfig | None = None,
) -> Plan:
    """`stores`: the token stores that are prepared; the rest counts as unknown.

    With a pod, which takes the place of `hardware`, the train steps are compiled for it. `fleet`
    says how many phases the devices that are here train at the same time; None: one.
    """
    graph = PhaseGraph.of(study, unprepared(study.corpora) | stores.identities, stores.tokens)
    costs = {name: pod.estimate(phase) for name, phase in graph.phases.items()} if pod else {}
    distinct = {id(costs[name]): (p.model, costs[name]) for name, p in graph.phases.items() if pod}
    step_costs = tuple(distinct.values())
    runs = {name: RunDirectory.of(runs_dir, p, name) for name, p in graph.phases.items()}
    if pod:
        hardware = Hardware(step_costs[0][1].chip.name, step_costs[0][1].chips)
        tokens_per_second = {name: cost.tokens_per_second for name, cost in costs.items()}
        speeds: tuple[str, ...] = (f"train steps compiled for {pod.topology}, below",)
    else:
        known = _speeds(graph.phases, hardware, runs_dir)
        tokens_per_second = {name: speed for name, (speed, _) in known.items()}
        speeds = tuple(dict.fromkeys(line for _, line in known.values()))
    sizes = phase_sizes(graph)
    rows = tuple(
        _phase_row(study, graph, run, sizes[identity], tokens_per_second[identity])
        for identity, run in runs.items()
    )
    return Plan(
        study,
        hardware,
        rows,
        tuple(_share_rows(study)),
        corpus_rows(study, stores),
        len(graph.arms),
        len(graph.evaluated),
        speeds,
        (*_misfits(step_costs), *unreadable(graph, stores)),
        step_costs,
        None if hardware.chip else _fleet_plan(graph, rows, runs, runs_dir, fleet),
    )


def _fleet_plan(
    graph: PhaseGraph,
    rows: tuple[PhaseRow, ...],
    runs: Mapping[str, RunDirectory],
    runs_dir: epath.PathLike,
    fleet: FleetConfig | None,
) -> FleetPlan | None:
    """Side by side on the cores that are here, by the speed of earlier runs side by side.

    None where phases are trained one after another, and on accelerators, where those of equal shape
    are one program: what time that takes is not known from such runs.
    """
    if fleet is None or fleet.members == 1 or device_here() is None:
        return None
    alone = sum(row.seconds for row in rows)
    members = fleet_members(graph, runs, fleet.members, seconds=alone)
    if members == 1 or not in_processes():
        return None
    earlier = EarlierRuns.read(runs_dir, members)
    seconds = {}
    for row in rows:
        speed = earlier.tokens_per_second(graph.phases[row.identity])
        seconds[row.identity] = row.tokens_to_do / speed if row.tokens_to_do else 0.0
    return FleetPlan.of(graph, runs, members, seconds)


def phase_sizes(graph: PhaseGraph) -> dict[str, str]:
    """Name of the model size of each phase, by identity: that of the first arm that needs it."""
    sizes: dict[str, str] = {}
    for arm in graph.arms:
        for name in graph.chain(arm):
            sizes.setdefault(name, arm.size)
    return sizes


def _phase_row(
    study: Study, graph: PhaseGraph, run: RunDirectory, size: str, speed: float
) -> PhaseRow:
    identity, phase = run.identity, graph.phases[run.identity]
    step = phase.steps if run.complete else run.status.get("step", 0)
    tokens_to_do = (phase.steps - step) * phase.batch_windows * phase.seq_len
    return PhaseRow(
        identity=identity,
        name=phase.name,
        size=size,
        mixture=study.settings[0].in_words(phase.mixture),
        seed=phase.seed,
        parent=graph.parents[identity],
        tokens=phase.realised_tokens,
        steps=phase.steps,
        learning_rates=(phase.highest_learning_rate, phase.learning_rate(phase.steps - 1)),
        used_by=graph.users[identity],
        state=_state(run, phase, step),
        flops=training_flops(phase),
        tokens_to_do=tokens_to_do,
        seconds=tokens_to_do / speed,
        tokens_per_second=speed,
        weights=phase.weights.digest if phase.weights and not phase.parent else "",
    )


def _state(run: RunDirectory, phase: Phase, step: int) -> str:
    if run.complete:
        return "complete" if run.has_parameters(phase.steps) else "params gone"
    return f"at step {step}" if step else "to do"


def training_flops(phase: Phase) -> float:
    """Floating-point operations of training one phase, without those before it."""
    return flops_per_token(phase.model, phase.seq_len) * phase.realised_tokens


def _share_rows(study: Study) -> Iterator[ShareRow]:
    """A row for each recipe, size and stage, of the first seed: seeds ask for the same."""
    for arm, phase in study.arms.items():
        if arm.seed == study.seeds[0]:
            tokens = sum(part.realised_tokens for part in phase.chain)
            shares = requested_shares(phase, study.share_groups)
            yield ShareRow(arm.recipe, arm.size, arm.stage, tokens, shares)


def requested_shares(phase: Phase, groups: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    """Share of the tokens of the whole chain that is asked of each group of corpora, 0 to 1."""
    tokens = sum(part.realised_tokens for part in phase.chain)
    return {
        name: sum(p.mixture.share_of(corpora) * p.realised_tokens for p in phase.chain) / tokens
        for name, corpora in groups.items()
    }


def _misfits(costs: tuple[tuple[ModelConfig, StepCost], ...]) -> Iterator[str]:
    for _, cost in costs:
        if not cost.fits:
            yield (
                f"the train step does not fit the memory of {cost.topology}: set "
                "LoopConfig.microbatches = 2 or more, ModelConfig.remat = 'full', MeshConfig.data "
                "= 1 with fsdp = -1, or take more chips."
            )


def _speeds(
    phases: Mapping[str, Phase], hardware: Hardware, runs_dir: epath.PathLike
) -> dict[str, tuple[float, str]]:
    """Tokens per second of each phase, by identity, and where the figure comes from."""
    earlier = EarlierRuns({}, ()) if hardware.peak_flops else EarlierRuns.read(runs_dir)
    speeds = {}
    measured: tuple[float, str] | None = None  # takes a moment: once for all
    for name, phase in phases.items():
        speed, source = earlier.tokens_per_second(phase), earlier.source(phase)
        if not source:
            measured = peak, source = measured or hardware.peak()
            speed = hardware.chips * peak * hardware.expected_mfu
            speed /= flops_per_token(phase.model, phase.seq_len)
            if not math.isnan(peak):
                source = (
                    f"{hardware.chips} x {peak / 1e12:.3g} TFLOP/s ({source}) x "
                    f"{hardware.expected_mfu:.0%} expected utilisation"
                )
        line = f"speed {source}" if math.isnan(speed) else f"{speed:,.0f} tokens/s: {source}"
        speeds[name] = (speed, line)
    return speeds
