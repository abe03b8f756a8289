"""A setting: what the recipes of a study have in common, at one model size.

    setting = Setting(base="demo.text", source="demo.code", tokens=400_000, model=..., ...)
    first = setting.begin(0.5, setting.tokens / 2)      # a phase: half of it from the source
    recipe = setting.recipe("mine", first)              # with the study's cooldown, if any

A setting has a base, which a study mixes into, and a source, which it varies: text and code in the
reference study. Further mixtures that studies speak of are its roles, by name, so that one study
runs at every scale.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from code_ablate.checked import (
    Given,
    NonNegative,
    NonNegativeInt,
    Positive,
    PositiveInt,
    Seed,
    Share,
    checked,
)
from code_ablate.data.mixing import Mixture, blend
from code_ablate.data.registry import MixtureSpec, resolve_mixture
from code_ablate.errors import UserError, unknown_name
from code_ablate.model.config import ModelConfig
from code_ablate.model.flops import count_parameters
from code_ablate.names import require_label, require_name
from code_ablate.training.phase import Optimizer, OptimizerState, Phase, Schedule
from code_ablate.training.weights import Weights

PRETRAINING, COOLDOWN = "pretraining", "cooldown"
"""Names of the stages of the recipes here."""


@checked
@dataclass(frozen=True)
class Side:
    """A mixture with the name that reports give it, as base or source of a setting."""

    name: str
    """Name in reports and in names of recipes."""
    mixture: MixtureSpec
    """Mixture, {corpus: rate}, or registered name."""


@checked
@dataclass(frozen=True)
class Recipe:
    """A chain of phases with a name, and the points of it whose results are evaluated."""

    name: str
    """Name of the recipe."""
    stages: Mapping[str, Phase]
    """The last phase of each stage, by the stage's name, in order. A phase holds its parents."""
    description: str = ""
    """What the recipe does, in a line; empty: the first line of its function's docstring."""

    def __post_init__(self):
        require_label("the name of a recipe", self.name)
        if not self.stages:
            raise UserError(f"recipe {self.name!r} has no stage: give at least {{name: phase}}.")
        for stage in self.stages:
            require_label(f"the name of a stage of recipe {self.name!r}", stage)
        object.__setattr__(self, "stages", dict(self.stages))


@checked
@dataclass(frozen=True)
class Setting:
    """What all recipes of a study have in common, at one model size."""

    model: ModelConfig
    """Shape of the model."""
    base: MixtureSpec | Side
    """Mixture that the study mixes into; the text, in the reference study."""
    tokens: PositiveInt
    """Tokens of pre-training, the same for every recipe."""
    cooldown_tokens: NonNegativeInt
    """Tokens of the cooldown after it; 0 for none."""
    batch_windows: PositiveInt
    """Windows (sequences) in a global batch."""
    seq_len: PositiveInt
    """Tokens that a window predicts."""
    schedule: Schedule
    """Learning rate of phases that start from initialisation."""
    continuation: Schedule
    """Learning rate of later phases of pre-training."""
    cooldown: Schedule
    """Learning rate of the cooldown."""
    optimizer: Optimizer
    """Optimizer of every phase."""
    source: MixtureSpec | Side | None = None
    """Mixture that the study varies; the code, in the reference study. None where recipes add
    corpora to the base, or leave some out."""
    cooldown_source_share: Share = 0.2
    """Share of the source in the cooldown, 0 to 1. Not used without a source."""
    cooldown_base: MixtureSpec | None = None
    """Mixture that takes the base's place in the cooldown; None: the base."""
    roles: Annotated[Mapping[str, Mixture], Given(Mapping[str, MixtureSpec])] = dataclasses.field(
        default_factory=dict
    )
    """Mixtures by the part that they play in studies ("synthetic", "adjacent", ...), so that a
    study names parts and each scale says which corpora play them. A mixture of the setting or of a
    recipe may name roles in the place of corpora."""
    expected_tokens: Mapping[str, PositiveInt] = dataclasses.field(default_factory=dict)
    """Tokens that roles are expected to have, for plans, as long as their corpora are not
    prepared; of a role of several corpora, in the shares of its mixture."""
    optimizer_state: OptimizerState = "carry"
    """What happens to the optimizer's moments where a phase has a parent: 'carry' or 'reset'."""
    max_epochs: Positive = 4.0
    """Passes over a corpus that all phases of a recipe may make together; more is refused."""
    z_loss: NonNegative = 0.0
    """Weight of the squared log-normaliser in the loss."""
    document_masks: bool = False
    """Whether attention stays within a document and the EOS before it, where a window holds
    several."""
    base_name: str = ""
    """Name of the base in reports. Empty: that of its `Side`, the registered name, or "base"."""
    source_name: str = ""
    """Name of the source in reports and in names of recipes. Empty: that of its `Side`, the
    registered name, or "source"."""
    size: str = ""
    """Name of the model size in reports. Empty: the number of parameters."""
    changes: tuple[str, ...] = ()
    """What tells the setting from others of the same model, in words, such as "learning rate 2": it
    stands behind the size in reports. Models of different sizes are compared within the same
    changes. Set by `sweep`."""
    weights: Weights | None = None
    """Parameters made elsewhere that every recipe starts from: @weights_in(). None: initialisation
    from the seed."""
    seed: Seed = 0
    """Seed of initialisation and order. Set by the study, for each of its seeds."""
    initialisation_seed: Seed | None = None
    """Seed of the initialisation alone, so that the study's seeds vary the order of the data and
    nothing else. None: the study's seed."""
    order_seed: Seed | None = None
    """Seed of the order within each corpus, so that the study's seeds vary the initialisation and
    nothing else. None: the study's seed."""

    def __post_init__(self):
        self._resolve_roles()
        for side in ("base", "source"):
            spec: Any = getattr(self, side)
            name = getattr(self, f"{side}_name")
            if isinstance(spec, Side):
                spec, name = spec.mixture, name or spec.name
            name = name or (spec if isinstance(spec, str) else side)
            require_label(f"Setting.{side}_name", name)
            object.__setattr__(self, f"{side}_name", name)
            if spec is not None:
                object.__setattr__(self, side, self.mixture_of(spec))
        if self.cooldown_base is not None:
            object.__setattr__(self, "cooldown_base", self.mixture_of(self.cooldown_base))
        if self.size:
            require_label("Setting.size", self.size)
        for words in self.changes:
            require_label("what is in Setting.changes", words)
        if self.source is None:
            return
        bases = {"base": self.base_mixture, "cooldown_base": self.cooldown_mixture}
        for name, mixture in bases.items():
            both = set(mixture.active) & set(self._source.active)
            if both:
                raise UserError(
                    f"{', '.join(sorted(both))} stands in Setting.{name} and in Setting.source: a "
                    f"share of {self.source_name} would have no meaning. Put each corpus on one "
                    "side."
                )

    def _resolve_roles(self) -> None:
        for role in self.roles:
            require_name("the name of a role in Setting.roles", role)
        roles = {role: resolve_mixture(spec) for role, spec in self.roles.items()}
        object.__setattr__(self, "roles", roles)
        for role in self.expected_tokens:
            if role not in roles:
                raise unknown_name("role (Setting.expected_tokens)", role, roles)

    def mixture_of(self, spec: MixtureSpec) -> Mixture:
        """The mixture that is meant, with the corpora of a role in the place of its name.

        Raises UserError for an unknown name.
        """
        if isinstance(spec, str):
            return self.roles[spec] if spec in self.roles else self._registered(spec)
        if not isinstance(spec, Mapping) or not self.roles.keys() & spec.keys():
            return resolve_mixture(spec)
        rates: dict[str, float] = {}
        for name, share in Mixture.of(spec).rates:
            parts = self.roles[name].rates if name in self.roles else ((name, 1.0),)
            for corpus, rate in parts:
                rates[corpus] = rates.get(corpus, 0.0) + share * rate
        return Mixture.of(rates)

    @property
    def expected_by_corpus(self) -> dict[str, int]:
        """Tokens that are expected of single corpora, as `expected_tokens` says of their roles."""
        expected: dict[str, int] = {}
        for role, tokens in self.expected_tokens.items():
            for corpus, share in self.roles[role].active.items():
                expected.setdefault(corpus, max(1, round(share * tokens)))
        return expected

    @property
    def size_name(self) -> str:
        """Name of the model size, as reports give it, with what the setting changes."""
        return ", ".join(size_parts(self.model, self))

    def _registered(self, name: str) -> Mixture:
        try:
            return resolve_mixture(name)
        except UserError as error:
            raise naming_roles(error, self.roles) from None

    def in_words(self, mixture: Mixture) -> str:
        """A mixture for people: with a role in the place of its corpora, where it has several."""
        left = dict(mixture.rates)
        words: list[str] = []
        for role, own in self.roles.items():
            parts = {left.get(corpus, 0.0) / rate for corpus, rate in own.active.items()}
            share = min(parts)
            if len(own.active) > 1 and share > 0 and max(parts) - share < 1e-6 * share:
                words.append(f"{100 * share:.6g}% {role}")
                left = {corpus: rate for corpus, rate in left.items() if corpus not in own.active}
        words += [f"{100 * rate:.6g}% {corpus}" for corpus, rate in left.items() if rate]
        return " + ".join(words)

    @property
    def cooldown_mixture(self) -> Mixture:
        """What the cooldown is on, without the source."""
        if self.cooldown_base is None:
            return self.base_mixture
        assert isinstance(self.cooldown_base, Mixture), "resolved when the setting was made"
        return self.cooldown_base

    @property
    def base_mixture(self) -> Mixture:
        """The base, resolved."""
        assert isinstance(self.base, Mixture), "resolved when the setting was made"
        return self.base

    @property
    def _source(self) -> Mixture:
        if self.source is None:
            raise UserError(
                "a recipe mixes the source in, and Setting.source is not set: name a mixture, or "
                "use base_only, with_corpus and without_corpus."
            )
        assert isinstance(self.source, Mixture), "resolved when the setting was made"
        return self.source

    def mix(self, share: float) -> Mixture:
        """The base with this share of the source, in tokens."""
        if self.source is None and share == 0:
            return self.base_mixture
        return blend(self.base_mixture, self._source, share)

    def begin(
        self, share: float, tokens: float, mixture: Mixture | None = None, varied: tuple = ()
    ) -> Phase:
        """A phase from initialisation, on the base with this share of the source.

        Or on `mixture`, of which the corpora `varied` are what the study varies.
        """
        return Phase(
            mixture=self.mix(share) if mixture is None else mixture,
            tokens=round(tokens),
            model=self.model,
            optimizer=self.optimizer,
            schedule=self.schedule,
            batch_windows=self.batch_windows,
            seq_len=self.seq_len,
            seed=self.seed if self.order_seed is None else self.order_seed,
            initialisation_seed=self._other_initialisation(),
            optimizer_state=self.optimizer_state,
            max_epochs=self.max_epochs,
            z_loss=self.z_loss,
            document_masks=self.document_masks,
            varied=self._varied(varied),
            weights=self.weights,
        )

    def _other_initialisation(self) -> int | None:
        """The seed of the initialisation, if there is any, and not the seed of the order."""
        if self.weights is not None:
            return None
        own = self.seed if self.initialisation_seed is None else self.initialisation_seed
        order = self.seed if self.order_seed is None else self.order_seed
        return None if own == order else own

    def follow(
        self,
        parent: Phase,
        share: float,
        tokens: float,
        schedule: Schedule,
        name: str,
        mixture: Mixture | None = None,
    ) -> Phase:
        """A phase that goes on from `parent`, in its weights and in what it has read.

        On the base with this share of the source, or on `mixture`.
        """
        return dataclasses.replace(
            parent,
            parent=parent,
            mixture=self.mix(share) if mixture is None else mixture,
            tokens=round(tokens),
            schedule=schedule,
            name=name,
            varied=self._varied(()),
        )

    def _varied(self, corpora: tuple[str, ...]) -> tuple[str, ...]:
        return corpora or (tuple(self._source.active) if self.source is not None else ())

    def tokens_after(self, first: Phase) -> int:
        """Tokens of the budget that `first` leaves: whole steps, so that all recipes have the same
        number."""
        return self.begin(0.0, self.tokens).realised_tokens - first.realised_tokens

    def recipe(self, name: str, pretrained: Phase, *, cooldown: bool = True) -> Recipe:
        """The recipe that ends pre-training with `pretrained`, with the study's cooldown if any."""
        stages = {PRETRAINING: pretrained}
        if cooldown and self.cooldown_tokens:
            share = 0.0 if self.source is None else self.cooldown_source_share
            mixture = self.cooldown_mixture
            if self.source is not None:
                mixture = blend(mixture, self._source, share)
            stages[COOLDOWN] = self.follow(
                pretrained, share, self.cooldown_tokens, self.cooldown, COOLDOWN, mixture
            )
        return Recipe(name, stages)


def size_parts(model: ModelConfig, setting: Setting) -> tuple[str, ...]:
    """The parts of the name of a model's size: that of the model, and what the setting changes."""
    return _model_name(model, setting), *setting.changes


def _model_name(model: ModelConfig, setting: Setting) -> str:
    """Name of a model: as the setting says, if it is its model; else its parameters."""
    if setting.size and model == setting.model:
        return setting.size
    parameters = count_parameters(model).total
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if parameters >= unit:
            return f"{parameters / unit:.3g}{letter}"
    return str(parameters)


def naming_roles(error: UserError, roles: Iterable[str]) -> UserError:
    """The error for a name that is no corpus, where it might have been meant for a role."""
    names = ", ".join(roles)
    return UserError(f"{error} Roles of the setting: {names}.") if names else error
