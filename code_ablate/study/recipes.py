"""Recipes: named chains of phases. Each is a small function of a Setting; its parameters are gin's.

    setting = Setting(text="demo.text", code="demo.code", tokens=400_000, model=..., ...)
    recipe = balanced_to_text(setting)
    recipe.pretrained, recipe.cooled      # the last phase before, and the one after, the cooldown

A recipe of your own is a function (Setting) -> Recipe, registered with @gin.configurable and named
in `Study.recipes`.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from code_ablate.data.mixing import Mixture, blend
from code_ablate.data.registry import resolve_mixture
from code_ablate.errors import UserError
from code_ablate.model.config import ModelConfig
from code_ablate.training.phase import Optimizer, Phase, Schedule


@dataclass(frozen=True)
class Recipe:
    """A chain of phases with a name. Its phases are reached through `Phase.parent`."""

    name: str
    pretrained: Phase
    """The last phase of pre-training."""
    cooled: Phase | None
    """The cooldown after it, if the study has one."""

    @property
    def stages(self) -> dict[str, Phase]:
        """The phases whose results are evaluated, by stage."""
        stages = {"pretraining": self.pretrained}
        return stages | ({"cooldown": self.cooled} if self.cooled else {})


@dataclass(frozen=True)
class Setting:
    """What all recipes of a study have in common."""

    model: ModelConfig
    text: Mixture | Mapping[str, float] | str
    """The text side: name of a SeqIO Mixture or Task, or {corpus: rate}."""
    code: Mixture | Mapping[str, float] | str
    """The code side, likewise."""
    tokens: int
    """Budget of pre-training, the same for every recipe."""
    cooldown_tokens: int
    """Budget of the cooldown after it; 0 for none."""
    batch_windows: int
    seq_len: int
    schedule: Schedule
    """Of phases that start from initialisation."""
    continuation: Schedule
    """Of later phases of pre-training."""
    cooldown: Schedule
    optimizer: Optimizer
    cooldown_code_share: float = 0.2
    """Share of code in the cooldown."""
    optimizer_state: str = "carry"
    """'carry' or 'reset', at the start of every phase that has a parent."""
    max_epochs: float = 4.0
    z_loss: float = 0.0
    """Weight of the squared log-normaliser in the loss."""
    document_masks: bool = False
    """Whether attention stays within a document, where a window holds several."""
    seed: int = 0
    """Set by the study, for each of its seeds."""

    def __post_init__(self):
        object.__setattr__(self, "text", resolve_mixture(self.text))
        object.__setattr__(self, "code", resolve_mixture(self.code))
        both = set(resolve_mixture(self.text).active) & set(resolve_mixture(self.code).active)
        if both:
            raise UserError(
                f"{', '.join(sorted(both))} stands on the text and on the code side: the share of "
                "code would have no meaning. Put each corpus on one side."
            )

    def mix(self, code_share: float) -> Mixture:
        """The text and the code side with this share of code, in tokens."""
        return blend(resolve_mixture(self.text), resolve_mixture(self.code), code_share)

    def begin(self, code_share: float, tokens: float) -> Phase:
        """A phase from initialisation."""
        return Phase(
            mixture=self.mix(code_share),
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
        )

    def follow(
        self, parent: Phase, code_share: float, tokens: float, schedule: Schedule, name: str
    ) -> Phase:
        """A phase that goes on from `parent`, in its weights and in what it has read."""
        return dataclasses.replace(
            parent,
            parent=parent,
            mixture=self.mix(code_share),
            tokens=round(tokens),
            schedule=schedule,
            name=name,
        )

    def left_after(self, first: Phase) -> int:
        """What is left of the budget: whole steps, so that all recipes have the same number."""
        return self.begin(0.0, self.tokens).realised_tokens - first.realised_tokens

    def recipe(self, name: str, pretrained: Phase) -> Recipe:
        """The recipe that ends pre-training with `pretrained`, with the study's cooldown if any."""
        cooled = None
        if self.cooldown_tokens:
            cooled = self.follow(
                pretrained,
                self.cooldown_code_share,
                self.cooldown_tokens,
                self.cooldown,
                "cooldown",
            )
        return Recipe(name, pretrained, cooled)


def text_only(setting: Setting) -> Recipe:
    """The whole budget on text."""
    return setting.recipe("text_only", setting.begin(0.0, setting.tokens))


def balanced_only(setting: Setting) -> Recipe:
    """The whole budget on text and code in equal parts."""
    return setting.recipe("balanced_only", setting.begin(0.5, setting.tokens))


def balanced_to_text(
    setting: Setting, first_code_share: float = 0.5, then_code_share: float = 0.1
) -> Recipe:
    """Half of the budget on text and code in equal parts, then text with 10 % code."""
    return _two_phases(setting, "balanced_to_text", first_code_share, then_code_share)


def code_to_text(
    setting: Setting, first_code_share: float = 1.0, then_code_share: float = 0.1
) -> Recipe:
    """Half of the budget on code alone, then text with 10 % code."""
    return _two_phases(setting, "code_to_text", first_code_share, then_code_share)


def _two_phases(setting: Setting, name: str, first_share: float, then_share: float) -> Recipe:
    first = setting.begin(first_share, setting.tokens / 2)
    left, schedule = setting.left_after(first), setting.continuation
    return setting.recipe(name, setting.follow(first, then_share, left, schedule, "continuation"))


def proportion(setting: Setting, code_share: float) -> Recipe:
    """The whole budget with one share of code; a point of the sweep, without a cooldown."""
    return Recipe(f"code_{100 * code_share:g}", setting.begin(code_share, setting.tokens), None)


RECIPES = (text_only, balanced_only, balanced_to_text, code_to_text, proportion)
"""The reference study's, registered in gin under their names."""
