"""Recipes: named chains of phases. Each is a small function of a Setting; its parameters are gin's.

    setting = Setting(base="demo.text", source="demo.code", tokens=400_000, model=..., ...)
    recipe = proportion(setting, share=0.25)
    recipe.stages["pretraining"], recipe.stages.get("cooldown")

A setting has a base, which a study mixes into, and a source, which it varies: text and code in the
reference study. A recipe of your own is a function (Setting) -> Recipe, registered with
@gin.configurable and named in `Study.recipes`.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from code_ablate.checked import (
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
from code_ablate.errors import UserError
from code_ablate.model.config import ModelConfig
from code_ablate.names import require_label
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
    weights: Weights | None = None
    """Parameters made elsewhere that every recipe starts from: @weights_in(). None: initialisation
    from the seed."""
    seed: Seed = 0
    """Seed of initialisation and order. Set by the study, for each of its seeds."""

    def __post_init__(self):
        for side in ("base", "source"):
            spec: Any = getattr(self, side)
            name = getattr(self, f"{side}_name")
            if isinstance(spec, Side):
                spec, name = spec.mixture, name or spec.name
            name = name or (spec if isinstance(spec, str) else side)
            require_label(f"Setting.{side}_name", name)
            object.__setattr__(self, f"{side}_name", name)
            if spec is not None:
                object.__setattr__(self, side, resolve_mixture(spec))
        if self.size:
            require_label("Setting.size", self.size)
        if self.source is None:
            return
        both = set(self.base_mixture.active) & set(self._source.active)
        if both:
            raise UserError(
                f"{', '.join(sorted(both))} stands in Setting.base and in Setting.source: a share "
                f"of {self.source_name} would have no meaning. Put each corpus on one side."
            )

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
            seed=self.seed,
            optimizer_state=self.optimizer_state,
            max_epochs=self.max_epochs,
            z_loss=self.z_loss,
            document_masks=self.document_masks,
            varied=self._varied(varied),
            weights=self.weights,
        )

    def follow(
        self, parent: Phase, share: float, tokens: float, schedule: Schedule, name: str
    ) -> Phase:
        """A phase that goes on from `parent`, in its weights and in what it has read."""
        return dataclasses.replace(
            parent,
            parent=parent,
            mixture=self.mix(share),
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
            stages[COOLDOWN] = self.follow(
                pretrained, share, self.cooldown_tokens, self.cooldown, COOLDOWN
            )
        return Recipe(name, stages)


@checked
def base_only(setting: Setting) -> Recipe:
    """The whole budget on the base, without the source."""
    return setting.recipe("base_only", setting.begin(0.0, setting.tokens))


@checked
def proportion(setting: Setting, share: Share, cooldown: bool = False) -> Recipe:
    """The whole budget with one share of the source; a point of a sweep.

    `share`: share of the source among the tokens. `cooldown`: whether the study's cooldown follows.
    """
    name = f"{setting.source_name}_{100 * share:g}"
    recipe = setting.recipe(name, setting.begin(share, setting.tokens), cooldown=cooldown)
    text = f"The whole budget, {100 * share:g} % of it from {setting.source_name}."
    return dataclasses.replace(recipe, description=text)


@checked
def with_corpus(setting: Setting, corpus: MixtureSpec, share: Share, name: str = "") -> Recipe:
    """The whole budget on the base with one more corpus, or mixture, at a share of the tokens.

    The cooldown, if the study has one, is on the base.

    `corpus`: registered name, or {corpus: rate}. `share`: its share of the tokens. `name`: name of
    the recipe; empty: "with_" and the corpora.
    """
    added = resolve_mixture(corpus)
    mixture = blend(setting.base_mixture, added, share)
    phase = setting.begin(0.0, setting.tokens, mixture, tuple(added.active))
    recipe = setting.recipe(name or f"with_{'_'.join(added.active)}", phase)
    text = f"The whole budget on the base with {100 * share:g} % from {', '.join(added.active)}."
    return dataclasses.replace(recipe, description=text)


@checked
def without_corpus(setting: Setting, corpus: str) -> Recipe:
    """The whole budget on the base without one of its corpora, the others scaled up.

    `corpus`: name of the corpus.
    """
    rates = setting.base_mixture.active
    if corpus not in rates or len(rates) == 1:
        raise UserError(
            f"without_corpus.corpus is {corpus!r}, and Setting.base has {', '.join(rates)}: name "
            "one of them, of two or more."
        )
    mixture = Mixture.of({name: rate for name, rate in rates.items() if name != corpus})
    phase = setting.begin(0.0, setting.tokens, mixture, (corpus,))
    narrowed = dataclasses.replace(setting, base=mixture)  # the cooldown leaves it out too
    recipe = narrowed.recipe(f"without_{corpus}", phase)
    text = f"The whole budget on the base without {corpus}, the rest of it scaled up."
    return dataclasses.replace(recipe, description=text)


@checked
def text_only(setting: Setting) -> Recipe:
    """The whole budget on text."""
    return setting.recipe("text_only", setting.begin(0.0, setting.tokens))


@checked
def balanced_only(setting: Setting) -> Recipe:
    """The whole budget on text and code in equal parts."""
    return setting.recipe("balanced_only", setting.begin(0.5, setting.tokens))


@checked
def balanced_to_text(setting: Setting, first_share: Share = 0.5, then_share: Share = 0.1) -> Recipe:
    """Half of the budget on text and code in equal parts, then text with 10 % code.

    `first_share`: share of code in the first half. `then_share`: share of code after it.
    """
    return _two_phases(setting, "balanced_to_text", first_share, then_share)


@checked
def code_to_text(setting: Setting, first_share: Share = 1.0, then_share: Share = 0.1) -> Recipe:
    """Half of the budget on code alone, then text with 10 % code.

    `first_share`: share of code in the first half. `then_share`: share of code after it.
    """
    return _two_phases(setting, "code_to_text", first_share, then_share)


def _two_phases(setting: Setting, name: str, first_share: float, then_share: float) -> Recipe:
    first = setting.begin(first_share, setting.tokens / 2)
    tokens, schedule = setting.tokens_after(first), setting.continuation
    return setting.recipe(name, setting.follow(first, then_share, tokens, schedule, "continuation"))


RECIPES = (
    base_only,
    proportion,
    with_corpus,
    without_corpus,
    text_only,
    balanced_only,
    balanced_to_text,
    code_to_text,
)
"""Generic recipes, then the reference study's; registered in gin under their names."""
