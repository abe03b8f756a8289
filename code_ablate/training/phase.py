"""A phase: one stretch of training, as plain values, with an identity.

    first = Phase(mixture=Mixture.of({"demo.text": 1.0}), tokens=1_000_000, model=..., ...)
    then = dataclasses.replace(first, parent=first, mixture=..., schedule=...)
    then.steps, then.learning_rate(0), phase_identity(then, stores.identities, stores.tokens)

A phase holds its parent, so that a recipe is a chain of phases and equal chains are equal values.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from annotated_types import Ge, Lt

from code_ablate.checked import (
    Given,
    NonNegative,
    NonNegativeInt,
    OneOf,
    Positive,
    PositiveInt,
    Seed,
    checked,
)
from code_ablate.data.mixing import DRAWN_WHOLE, Mixture, shuffle_keys, windows_in
from code_ablate.data.registry import MixtureSpec, resolve_mixture
from code_ablate.errors import UserError
from code_ablate.identity import identity, to_plain
from code_ablate.model.config import ModelConfig
from code_ablate.names import require_name
from code_ablate.training.weights import Weights

Decay = Annotated[float, Ge(0), Lt(1)]
OptimizerState = Annotated[str, OneOf(("carry", "reset"))]

FORMAT = 2
"""Part of every identity. Raised when the meaning of a configuration changes."""

_DOCUMENT_MASKS = "EOS opens a document"
"""How documents are masked where they are: raised in identities when that changes."""

_HOW_NOT_WHAT = ("attention", "remat", "loss_chunk_tokens")
"""Fields of the model that say how it is computed, not what: outside of the identity."""


@checked
@dataclass(frozen=True)
class Optimizer:
    """AdamW with decoupled weight decay and clipping by the global norm of the gradient."""

    b1: Decay = 0.9
    """Decay of the first moment."""
    b2: Decay = 0.95
    """Decay of the second moment."""
    epsilon: Positive = 1e-8
    """Added to the root of the second moment."""
    weight_decay: NonNegative = 0.1
    """Decay per step, times the learning rate, of matrices; scales of norms do not decay."""
    clip_norm: Positive = 1.0
    """Largest global norm of a gradient; longer ones are scaled down to it."""
    skip_spikes: Positive | None = None
    """Skip the update of a step whose loss or gradient norm lies this many standard deviations
    above the mean of the last 128 steps; 6 is usual. Skipped steps are counted. None: never."""


@checked
@dataclass(frozen=True)
class Schedule:
    """Learning rate over one phase."""

    shape: Annotated[str, OneOf(("cosine", "linear", "constant"))] = "cosine"
    """Form of the decay from the peak to `final`, after the warm-up."""
    peak: Positive = 1e-3
    """Learning rate at the end of the warm-up. Not used where `start` is 'carry'."""
    final: NonNegative = 1e-4
    """Learning rate at the end of the phase. Not used by 'constant'."""
    warmup_steps: NonNegativeInt = 0
    """Steps of linear warm-up from 0. Not used where `start` is 'carry'."""
    start: Annotated[str, OneOf(("restart", "carry"))] = "restart"
    """'restart': warm up to `peak` anew. 'carry': go on from the parent's last learning rate."""

    def __post_init__(self):
        if self.start == "restart" and self.shape != "constant" and self.final > self.peak:
            raise UserError(
                f"Schedule.final is {self.final:g} and Schedule.peak {self.peak:g}: a decay cannot "
                "end above its peak; lower final or raise peak."
            )

    def at(self, step: int, steps: int, carried: float | None) -> float:
        """Learning rate of step `step` (from 0) of `steps`; `carried` is the parent's last one."""
        if self.start == "carry":
            assert carried is not None, "a phase without a parent was let through"
            peak, warmup = carried, 0
        else:
            peak, warmup = self.peak, self.warmup_steps
        if step < warmup:
            return peak * (step + 1) / warmup
        if self.shape == "constant":
            return peak
        # The last step stands at the end of the decay, so that a cooldown ends where it says.
        done = (step - warmup) / (steps - 1 - warmup) if steps - 1 > warmup else 1.0
        weight = 0.5 * (1 + math.cos(math.pi * done)) if self.shape == "cosine" else 1 - done
        return self.final + (peak - self.final) * weight


@checked
@dataclass(frozen=True)
class Phase:
    """One stretch of training. Everything that determines its result, and nothing else."""

    mixture: Annotated[Mixture, Given(MixtureSpec)]
    """What is trained on, in shares of tokens. In gin also {corpus: rate}, or a registered name."""
    tokens: PositiveInt
    """Token budget. The phase trains on the whole number of batches nearest to it."""
    model: ModelConfig
    """Shape of the model, equal in all phases of a recipe."""
    optimizer: Optimizer
    """Optimizer and its settings."""
    schedule: Schedule
    """Learning rate over the phase."""
    batch_windows: PositiveInt
    """Windows (sequences) in a global batch."""
    seq_len: PositiveInt
    """Tokens that a window predicts."""
    seed: Seed
    """Seed of the order within each corpus, and of the initialisation; one for a whole recipe."""
    name: str = "pretraining"
    """What the phase is for: pretraining, continuation, cooldown. Not part of its identity."""
    initialisation_seed: Seed | None = None
    """Seed of the initialisation where it is another than that of the order. None: `seed`."""
    parent: "Phase | None" = None
    """The phase whose last parameters this one starts from; None: from initialisation."""
    optimizer_state: OptimizerState = "carry"
    """'carry' or 'reset' the moments at the start of a phase that has a parent."""
    max_epochs: Positive = 4.0
    """Most times that a corpus is read over all phases; more is refused before training."""
    z_loss: NonNegative = 0.0
    """Weight of the squared log-normaliser in the loss."""
    document_masks: bool = False
    """Whether attention stays within a document and the EOS before it, where a window holds
    several."""
    varied: tuple[str, ...] = ()
    """Corpora that stand for what a study varies: reports give their share. Not part of the
    identity."""
    weights: Weights | None = None
    """Parameters made elsewhere that the first phase of a chain starts from: @weights_in(). None:
    initialisation from the seed."""

    def __post_init__(self):
        require_name("Phase.name", self.name)
        object.__setattr__(self, "mixture", resolve_mixture(self.mixture))
        if self.initialisation_seed == self.seed:
            object.__setattr__(self, "initialisation_seed", None)
        if self.steps < 1:
            raise UserError(
                f"Phase.tokens = {self.tokens} is less than half a batch of {self.batch_windows} "
                f"windows of {self.seq_len} tokens: raise tokens or lower batch_windows."
            )
        if self.schedule.start == "restart" and self.schedule.warmup_steps >= self.steps:
            raise UserError(
                f"phase {self.name!r}: {self.schedule.warmup_steps} warm-up steps do not fit in "
                f"{self.steps} steps: lower Schedule.warmup_steps or raise the budget."
            )
        if self.parent is None:
            if self.schedule.start == "carry":
                raise UserError(
                    f"phase {self.name!r} carries the learning rate on but has no parent: "
                    "set Schedule.start = 'restart' or Phase.parent."
                )
            return
        self._require_learning_rate()
        if self.weights != self.parent.weights:
            raise UserError(
                f"phase {self.name!r} has a parent, and Phase.weights that its parent does not "
                "have: a phase starts from one of the two. Set weights in the first phase."
            )
        for name in ("seq_len", "seed"):
            if getattr(self, name) != getattr(self.parent, name):
                raise UserError(
                    f"phase {self.name!r} has {name} = {getattr(self, name)} and its parent has "
                    f"{getattr(self.parent, name)}: what its parent left unread is only defined "
                    f"for equal {name}s."
                )
        if self.initialisation_seed != self.parent.initialisation_seed:
            raise UserError(
                f"phase {self.name!r} has initialisation_seed = {self.initialisation_seed} and its "
                f"parent has {self.parent.initialisation_seed}: give both the parent's, because "
                "only the first phase of a recipe is initialised."
            )
        if self._model_key() != self.parent._model_key():
            raise UserError(f"phase {self.name!r} and its parent are of different models.")
        keeps_history = [part.optimizer.skip_spikes is not None for part in (self, self.parent)]
        if self.optimizer_state == "carry" and keeps_history[0] != keeps_history[1]:
            raise UserError(
                f"phase {self.name!r} carries on the optimizer state of its parent, and only one "
                "of the two has Optimizer.skip_spikes: set it in both or none, or set "
                "Phase.optimizer_state = 'reset'."
            )

    def _require_learning_rate(self) -> None:
        """Raises UserError if the rate that is carried on would train nothing, or would rise."""
        if self.schedule.start != "carry" or self.parent is None:
            return
        carried = self.parent._final_learning_rate
        if carried == 0:
            raise UserError(
                f"phase {self.name!r} carries on the learning rate of its parent, which ends at 0: "
                "nothing would be trained. Set Schedule.final of the parent above 0, or "
                "Schedule.start = 'restart'."
            )
        if self.schedule.shape != "constant" and self.schedule.final > carried:
            raise UserError(
                f"phase {self.name!r} carries on a learning rate of {carried:g} and would raise it "
                f"to Schedule.final = {self.schedule.final:g}: lower final, or set Schedule.start "
                "= 'restart'."
            )

    @cached_property
    def steps(self) -> int:
        """Train steps: the budget over the tokens in a batch, rounded."""
        return round(self.tokens / (self.batch_windows * self.seq_len))

    @property
    def seed_of_parameters(self) -> int:
        """Seed that the first parameters are drawn with."""
        return self.seed if self.initialisation_seed is None else self.initialisation_seed

    @property
    def realised_tokens(self) -> int:
        """Tokens this phase trains on."""
        return self.steps * self.batch_windows * self.seq_len

    @cached_property
    def chain(self) -> tuple["Phase", ...]:
        """This phase and the ones before it, the first one first."""
        return (*self.parent.chain, self) if self.parent else (self,)

    @property
    def corpora_read(self) -> tuple[str, ...]:
        """Every corpus that the chain reads, in the order in which it first does."""
        return tuple(dict.fromkeys(c for part in self.chain for c in part.mixture.active))

    @cached_property
    def _final_learning_rate(self) -> float:
        return self.learning_rate(self.steps - 1)

    def learning_rate(self, step: int) -> float:
        """Learning rate of step `step`, from 0."""
        carried = self.parent._final_learning_rate if self.parent else None
        return self.schedule.at(step, self.steps, carried)

    @property
    def highest_learning_rate(self) -> float:
        """Learning rate at the end of the warm-up, from where it falls or stays."""
        warmup = 0 if self.schedule.start == "carry" else self.schedule.warmup_steps
        return self.learning_rate(min(max(warmup, 1), self.steps) - 1)

    def _model_key(self) -> dict:
        model = {**dataclasses.asdict(self.model), "kv_heads": self.model.num_kv_heads}
        return {name: value for name, value in model.items() if name not in _HOW_NOT_WHAT}


def phase_from_plain(plain: dict) -> Phase:
    """The inverse of `to_plain(phase)`: what config.json of a run holds."""
    parts = {
        "mixture": Mixture(tuple((corpus, share) for corpus, share in plain["mixture"]["rates"])),
        "model": ModelConfig(**plain["model"]),
        "optimizer": Optimizer(**plain["optimizer"]),
        "schedule": Schedule(**plain["schedule"]),
        "parent": phase_from_plain(plain["parent"]) if plain["parent"] else None,
        "weights": Weights(**plain["weights"]) if plain.get("weights") else None,
    }
    return Phase(**{**plain, **parts})


def plain_for_configuration(phase: Phase) -> dict:
    """What two equal phases have in common as plain values, `name` and bounds included.

    Weights count by their digest, and are left out where there are none.
    """
    plain = to_plain(phase)
    part: dict | None = plain
    while part:
        weights = part.pop("weights")
        part |= {"weights": weights["digest"]} if weights else {}
        part = part["parent"]
    return plain


def describe(
    phase: Phase, store_identities: Mapping[str, str], store_tokens: Mapping[str, int] = {}
) -> dict:
    """What determines the result of `phase`, as plain values: its identity is the hash of this.

    Where it runs (mesh, hosts, paths), how (attention backend, remat, chunks) and bounds that only
    refuse (max_epochs) are not in it. `store_identities` and `store_tokens` (of the train split) by
    corpus; a store without an entry in the second is taken for a large one.
    """
    schedule = dataclasses.asdict(phase.schedule)
    if phase.schedule.start == "carry":
        del schedule["peak"], schedule["warmup_steps"]
    if phase.schedule.shape == "constant":
        del schedule["final"]
    description = {
        "format": FORMAT,
        "model": phase._model_key(),
        "mixture": _describe_mixture(phase, store_identities, store_tokens),
        "steps": phase.steps,
        "batch_windows": phase.batch_windows,
        "seq_len": phase.seq_len,
        "optimizer": dataclasses.asdict(phase.optimizer),
        "schedule": schedule,
        "seed": phase.seed,
        "z_loss": phase.z_loss,
        "document_masks": phase.document_masks and _DOCUMENT_MASKS,
        "parent": None,
    }
    if phase.initialisation_seed is not None:
        description["initialisation_seed"] = phase.initialisation_seed
    if phase.weights and not phase.parent:
        description["weights"] = phase.weights.digest
    if phase.parent:
        description["parent"] = describe(phase.parent, store_identities, store_tokens)
        description["optimizer_state"] = phase.optimizer_state
    return description


def _describe_mixture(
    phase: Phase, store_identities: Mapping[str, str], store_tokens: Mapping[str, int]
) -> dict[str, dict]:
    """Share and store of each corpus, and what else decides in which order it is read."""
    keys = shuffle_keys(phase.corpora_read, store_identities)
    described: dict[str, dict] = {}
    for corpus, share in phase.mixture.active.items():
        described[corpus] = {"share": share, "store": store_identities[corpus]}
        if keys[corpus] != store_identities[corpus]:
            described[corpus]["shuffled_by"] = keys[corpus]
        if corpus in store_tokens:
            windows = windows_in(store_tokens[corpus], phase.seq_len)
            if 1 < windows <= DRAWN_WHOLE:
                described[corpus]["order"] = "drawn as a whole"
    return described


def phase_identity(
    phase: Phase, store_identities: Mapping[str, str], store_tokens: Mapping[str, int] = {}
) -> str:
    """The name of `phase`'s result; arguments as for `describe`. Equal phases have equal ones."""
    return identity(describe(phase, store_identities, store_tokens))
