"""Settings of a study: several model sizes and budgets, and whatever else differs in every arm.

    sweep(setting, sizes=(1_000_000, 10_000_000), growth=Growth(tokens_per_parameter=20))
    sweep(setting, product={"learning_rate": (0.5, 1.0, 2.0)})

Each setting is a place of its own in the report: recipes are compared within it.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from code_ablate.checked import NonNegative, Positive, PositiveInt, checked
from code_ablate.errors import UserError
from code_ablate.model.config import ModelConfig
from code_ablate.model.flops import count_parameters
from code_ablate.study.setting import Setting
from code_ablate.study.sizes import model_of
from code_ablate.study.variation import combinations, phrases, varied, with_warmup

LABEL = "label"
"""In a change that is listed: its name, in the place of what is changed."""


@checked
@dataclass(frozen=True)
class Growth:
    """What changes with the size of the model. As it stands, nothing but the model does."""

    reference: PositiveInt = 1_000_000
    """Parameters of the model for which learning rates and batch are those of the setting."""
    tokens_per_parameter: Positive | None = None
    """Tokens of pre-training for each parameter, the cooldown in proportion. None: the setting's
    tokens, whatever the size."""
    learning_rate_exponent: NonNegative = 0.0
    """Peaks and floors of the learning rate fall with parameters to the power of minus this."""
    batch_exponent: NonNegative = 0.0
    """Windows in a batch grow with parameters to the power of this, in powers of two."""

    def grown(self, setting: Setting, model: ModelConfig) -> Setting:
        """The setting for a model of another size; warm-ups keep their part of the steps."""
        parameters = count_parameters(model).total
        ratio = parameters / self.reference
        windows = setting.batch_windows * 2 ** round(self.batch_exponent * math.log2(ratio))
        windows = max(1, round(windows))
        tokens = setting.tokens
        if self.tokens_per_parameter is not None:
            tokens = round(self.tokens_per_parameter * parameters)
        longer = tokens / setting.tokens
        grown = dataclasses.replace(
            with_warmup(setting, longer * setting.batch_windows / windows),
            model=model,
            batch_windows=windows,
            tokens=tokens,
            cooldown_tokens=round(longer * setting.cooldown_tokens),
        )
        return varied(grown, {"learning_rate": ratio**-self.learning_rate_exponent})


@checked
def sweep(
    of: Setting,
    sizes: tuple[PositiveInt | ModelConfig, ...] = (),
    growth: Growth = Growth(),
    product: Mapping[str, tuple] = {},
    listed: tuple[Mapping[str, Any], ...] = (),
) -> tuple[Setting, ...]:
    """The settings of a study: every size with every change.

    Raises UserError for settings that could not be told apart, or that are the same.

    `of`: setting that they are made of. `sizes`: numbers of parameters, or models; empty: the
    setting's own model, as it is. `growth`: how budget, batch and learning rate follow the size.
    `product`: values by field of the setting, such as {'learning_rate': (0.5, 1.0)}: every
    combination. `listed`: further mappings of fields to values, one for each setting; its 'label',
    if it has one, names the setting in the place of the changes.
    """
    settings: list[Setting] = []
    for size in sizes or (of.model,):
        model = model_of(size, of.model) if isinstance(size, int) else size
        grown = growth.grown(of, model) if sizes else of
        for changes in combinations(product, listed, "sweep"):
            if "seed" in changes:
                raise UserError(
                    "sweep changes 'seed', which Study.seeds sets in every setting: list seeds "
                    "there, or vary 'initialisation_seed' or 'order_seed'."
                )
            name = changes.pop(LABEL, None)
            words = (name,) if name else phrases(_told(changes))
            setting = varied(grown, changes)
            settings.append(dataclasses.replace(setting, changes=(*setting.changes, *words)))
    _require_distinct(settings)
    return tuple(settings)


def _require_distinct(settings: Sequence[Setting]) -> None:
    """Raises UserError for two settings of one name, or under two names of the same values."""
    names = [setting.size_name for setting in settings]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f"sweep makes several settings of the name {', '.join(twice)}: two of sweep.sizes make "
            "one model, or two changes have one label or one value. Give each once."
        )
    unnamed = [dataclasses.replace(setting, changes=()) for setting in settings]
    for (one, name), (other, its_name) in itertools.combinations(
        zip(unnamed, names, strict=True), 2
    ):
        if one == other:
            raise UserError(
                f"sweep makes {name!r} and {its_name!r}, which are the same setting: leave one out."
            )


def _told(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that the name of a size does not tell already."""
    own = ("model", "size")
    return {name: value for name, value in changes.items() if name.partition(".")[0] not in own}
