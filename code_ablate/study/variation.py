"""Variations: a setting with some values changed, and recipes under such settings.

    varied(setting, {"continuation.start": "carry", "learning_rate": 0.5})
    changed(setting, recipe=text_only, changes={"cooldown_source_share": 0.0}, name="code_free")
    each(setting, recipe=proportion, product={"share": (0.0, 0.25, 0.5)})

A change names a field of the setting, or one below it after a dot. Two names stand for what no
field holds: "learning_rate", a factor on the peaks and floors of pre-training, and
"tokens_per_parameter". `changed` and `each` make arms that are compared within one model size;
settings that differ in every arm are made by `code_ablate.study.setting_sweep`.
"""

import dataclasses
import fnmatch
import functools
import inspect
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from code_ablate.checked import Share, checked
from code_ablate.errors import UserError, unknown_name
from code_ablate.model.flops import count_parameters
from code_ablate.shown import brief
from code_ablate.study.recipes import PartOfBudget, with_corpus
from code_ablate.study.setting import Recipe, Setting
from code_ablate.training.phase import Schedule

END = "end"
"""Name of the stage of recipes that end at different points and are compared all the same."""

MIXTURES = ("base", "source", "cooldown_base")
"""Fields of a setting that are mixtures, and may name roles."""


def varied(setting: Setting, changes: Mapping[str, Any]) -> Setting:
    """The setting with these values, changed one after another in their order.

    Raises UserError for a name that is none, with the closest ones, and for a value that its field
    does not allow.
    """
    for name, value in changes.items():
        if name in DERIVED:
            setting = DERIVED[name](setting, value)
        elif name in MIXTURES and value is not None:
            setting = _with_value(setting, name, [name], setting.mixture_of(value))
        else:
            setting = _with_value(setting, name, name.split("."), value)
    return setting


def _with_value(owner: Any, whole: str, path: Sequence[str], value: Any) -> Any:
    """The dataclass with the value at `path`; `whole` is the name that the user gave."""
    field, *below = path
    known = [f.name for f in dataclasses.fields(owner)] if dataclasses.is_dataclass(owner) else []
    if isinstance(owner, Setting):
        # Base and source have been resolved: another role would not reach them.
        known.remove("roles")
    if field not in known:
        before = whole.split(".")[: whole.count(".") - len(below)]
        names = [".".join((*before, name)) for name in known]
        if isinstance(owner, Setting):
            names += DERIVED
        raise unknown_name("field of a setting that could be changed", whole, names)
    if below:
        value = _with_value(getattr(owner, field), whole, below, value)
    return dataclasses.replace(owner, **{field: value})


def _with_learning_rate(setting: Setting, factor: float) -> Setting:
    """Peaks and floors of pre-training times a factor; a cooldown ends where it ended."""
    _require_factor("learning_rate", factor)

    def scaled(schedule: Schedule) -> Schedule:
        return dataclasses.replace(
            schedule, peak=factor * schedule.peak, final=factor * schedule.final
        )

    restarts = setting.cooldown.start == "restart"
    cooldown = dataclasses.replace(
        setting.cooldown, peak=factor * setting.cooldown.peak if restarts else setting.cooldown.peak
    )
    return dataclasses.replace(
        setting,
        schedule=scaled(setting.schedule),
        continuation=scaled(setting.continuation),
        cooldown=cooldown,
    )


def _with_tokens_per_parameter(setting: Setting, ratio: float) -> Setting:
    """Tokens of pre-training by the model's parameters; the cooldown keeps its part of them."""
    _require_factor("tokens_per_parameter", ratio)
    tokens = round(ratio * count_parameters(setting.model).total)
    longer = tokens / setting.tokens
    return dataclasses.replace(
        with_warmup(setting, longer),
        tokens=tokens,
        cooldown_tokens=round(longer * setting.cooldown_tokens),
    )


def _require_factor(name: str, value: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < math.inf:
        raise UserError(f"the change {name} is {value!r}: it must be a finite number above 0.")


def with_warmup(setting: Setting, factor: float) -> Setting:
    """The setting with `factor` times as many steps of warm-up, at least one where there were."""

    def longer(schedule: Schedule) -> Schedule:
        steps = schedule.warmup_steps and max(1, round(factor * schedule.warmup_steps))
        return dataclasses.replace(schedule, warmup_steps=steps)

    return dataclasses.replace(
        setting,
        schedule=longer(setting.schedule),
        continuation=longer(setting.continuation),
        cooldown=longer(setting.cooldown),
    )


DERIVED: Mapping[str, Callable[[Setting, Any], Setting]] = {
    "learning_rate": _with_learning_rate,
    "tokens_per_parameter": _with_tokens_per_parameter,
}
"""Changes that stand for no single field, by name."""


def label(changes: Mapping[str, Any]) -> str:
    """Changes in a few words: "learning_rate 0.5, continuation.start carry"."""
    return ", ".join(phrases(changes))


def phrases(changes: Mapping[str, Any]) -> tuple[str, ...]:
    """Each change in a few words."""
    return tuple(f"{name} {_words(value)}" for name, value in changes.items())


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return " + ".join(f"{_words(rate)} {corpus}" for corpus, rate in value.items())
    return str(value)


def combinations(
    product: Mapping[str, tuple], listed: Sequence[Mapping[str, Any]], owner: str
) -> Iterator[dict[str, Any]]:
    """Every combination of the values of `product`, then those that are listed.

    With neither there is one, of no change. `owner` names the function in errors.
    """
    for name, values in product.items():
        if not values:
            raise UserError(f"{owner}.product has no value for {name!r}: give at least one.")
    if product or not listed:
        for values in itertools.product(*product.values()):
            yield dict(zip(product, values, strict=True))
    yield from map(dict, listed)


@checked
def changed(
    setting: Setting,
    recipe: Callable,
    changes: Mapping[str, Any],
    name: str = "",
    stages: tuple[str, ...] = (),
) -> Recipe:
    """A recipe under a changed setting: one arm with another cooldown, schedule, filter, ...

    `recipe`: function that makes the recipe. `changes`: new values by name of a field of the
    setting, such as {'continuation.start': 'carry'}, or of learning_rate (a factor) or
    tokens_per_parameter. `name`: name of the arm; empty: the recipe's, with the changes. `stages`:
    those of its stages that are evaluated, where the others are another arm's too; empty: all.
    """
    made = _one_of("changed", recipe, varied(setting, changes))
    for stage in stages:
        if stage not in made.stages:
            raise unknown_name("stage (changed.stages)", stage, list(made.stages))
    kept = {stage: made.stages[stage] for stage in stages or made.stages}
    text = made.description or _first_line(recipe)
    return dataclasses.replace(
        made,
        name=name or f"{made.name} ({label(changes)})",
        stages=kept,
        description=f"{text.rstrip('.')}; {label(changes)}.",
    )


@checked
def cooled(setting: Setting, recipe: Callable, source_share: Share | None, name: str) -> Recipe:
    """The pre-training of a recipe, then a cooldown of its own or none, at one stage.

    `recipe`: function that makes the recipe. `source_share`: share of the source in the cooldown;
    None: no cooldown. `name`: name of the arm.
    """
    if source_share is None:
        own = dataclasses.replace(setting, cooldown_tokens=0)
        text = "without cooldown"
    elif not setting.cooldown_tokens:
        raise UserError(f"cooled makes {name!r}, and Setting.cooldown_tokens is 0: set it.")
    else:
        own = dataclasses.replace(setting, cooldown_source_share=source_share)
        text = f"with {100 * source_share:g} % from {setting.source_name} in the cooldown"
    made = _one_of("cooled", recipe, own)
    last = list(made.stages.values())[-1]
    return Recipe(name, {END: last}, f"{made.name} {text}.")


def _one_of(owner: str, recipe: Callable, setting: Setting) -> Recipe:
    """The recipe that a function makes. Raises UserError if it is none, or makes several."""
    made = _all_of(owner, recipe, setting, {})
    if len(made) != 1:
        raise UserError(
            f"{owner}.recipe makes {len(made)} recipes, which cannot all have one name: give a "
            "function that makes one."
        )
    return made[0]


def _all_of(
    owner: str, recipe: Callable, setting: Setting, values: Mapping[str, Any]
) -> tuple[Recipe, ...]:
    """The recipes that a function makes. Raises UserError if it does not take the values."""
    function = recipe.func if isinstance(recipe, functools.partial) else inspect.unwrap(recipe)
    name = getattr(function, "__name__", str(function))
    if not inspect.isfunction(function):
        raise UserError(f"{owner}.recipe is {brief(recipe)}: it must be a function of a setting.")
    parameters = inspect.signature(recipe).parameters
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    for value in values:
        if value not in parameters and not takes_all:
            raise unknown_name(f"parameter of {name}", value, list(parameters)[1:])
    made = recipe(setting, **values)
    recipes = made if isinstance(made, tuple) else (made,)
    for one in recipes:
        if not isinstance(one, Recipe):
            raise UserError(f"{name}, in {owner}.recipe, made {brief(one)}: it must be a Recipe.")
    return recipes


def _first_line(function: Callable) -> str:
    return (function.__doc__ or "").strip().partition("\n")[0]


@checked
def each(
    setting: Setting,
    recipe: Callable,
    product: Mapping[str, tuple] = {},
    listed: tuple[Mapping[str, Any], ...] = (),
) -> tuple[Recipe, ...]:
    """Several recipes: one function with every combination of values, then with those listed.

    Recipes that would have one name are told apart by the values in which they differ:
    "code_25 (budget 0.5)".

    `recipe`: function that makes a recipe of a setting and the values. `product`: values by
    parameter, such as {'share': (0.25, 0.5), 'budget': (0.5, 1.0)}: every combination. `listed`:
    further mappings of parameters to values, one for each recipe.
    """
    made = [
        (one, values)
        for values in combinations(product, listed, "each")
        for one in _all_of("each", recipe, setting, values)
    ]
    named: dict[str, list[Mapping[str, Any]]] = {}
    for one, values in made:
        named.setdefault(one.name, []).append(values)
    return tuple(_told_apart(one, values, named[one.name]) for one, values in made)


def _told_apart(
    recipe: Recipe, values: Mapping[str, Any], alike: Sequence[Mapping[str, Any]]
) -> Recipe:
    """The recipe with a name of its own. `alike`: values of all recipes of its name."""
    own = {
        name: value
        for name, value in values.items()
        if any(name not in others or others[name] != value for others in alike)
    }
    if not own:
        return recipe
    return dataclasses.replace(recipe, name=f"{recipe.name} ({label(own)})")


@checked
def one_each(
    setting: Setting, roles: str, share: Share, budget: PartOfBudget = 1.0
) -> tuple[Recipe, ...]:
    """An arm for each of several roles: the base with that role's corpora at a share.

    `roles`: pattern of their names, such as 'language.*'; what the star stands for names the arm.
    `share`: share of the tokens. `budget`: part of Setting.tokens that is trained on.
    """
    found = {
        role: mixture for role, mixture in setting.roles.items() if fnmatch.fnmatchcase(role, roles)
    }
    if not found:
        raise unknown_name("role (one_each.roles)", roles, setting.roles)
    before = roles.partition("*")[0]
    return tuple(
        with_corpus(setting, mixture, share, role.removeprefix(before) or role, budget)
        for role, mixture in found.items()
    )


VARIATIONS = (changed, cooled, each, one_each)
"""Recipes that are made of others; registered in gin under their names."""
