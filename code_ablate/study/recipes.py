"""Recipes: named chains of phases. Each is a small function of a Setting; its parameters are gin's.

    recipe = proportion(setting, share=0.25)
    recipe.stages["pretraining"], recipe.stages.get("cooldown")

A recipe of your own is a function (Setting) -> Recipe, registered with @gin.configurable and named
in `Study.recipes` (docs/studies.md).
"""

import dataclasses
from typing import Annotated

from annotated_types import Gt, Le

from code_ablate.checked import Share, checked
from code_ablate.data.mixing import Mixture, blend
from code_ablate.data.registry import MixtureSpec
from code_ablate.errors import UserError
from code_ablate.study.setting import Recipe, Setting

PartOfBudget = Annotated[float, Gt(0), Le(1)]


@checked
def base_only(
    setting: Setting,
    budget: PartOfBudget = 1.0,
    name: str = "base_only",
    cooldown: bool = True,
) -> Recipe:
    """The whole budget on the base, without the source.

    `budget`: part of Setting.tokens that is trained on. `name`: name of the recipe. `cooldown`:
    whether the study's cooldown follows.
    """
    first = setting.begin(0.0, budget * setting.tokens)
    recipe = setting.recipe(name, first, cooldown=cooldown)
    return _described(recipe, f"{_of(budget)} on the base, without the source.")


@checked
def proportion(
    setting: Setting, share: Share, cooldown: bool = False, budget: PartOfBudget = 1.0
) -> Recipe:
    """The whole budget with one share of the source; a point of a sweep.

    `share`: share of the source among the tokens. `cooldown`: whether the study's cooldown follows.
    `budget`: part of Setting.tokens that is trained on.
    """
    name = f"{setting.source_name}_{100 * share:g}"
    first = setting.begin(share, budget * setting.tokens)
    recipe = setting.recipe(name, first, cooldown=cooldown)
    return _described(recipe, f"{_of(budget)}, {100 * share:g} % of it from {setting.source_name}.")


@checked
def on_mixture(
    setting: Setting,
    mixture: MixtureSpec,
    name: str,
    cooldown: bool = False,
    budget: PartOfBudget = 1.0,
) -> Recipe:
    """The whole budget on a mixture of its own, in the place of base and source.

    `mixture`: registered name or role, or {corpus or role: rate}. `name`: name of the recipe.
    `cooldown`: whether the study's cooldown follows. `budget`: part of Setting.tokens that is
    trained on.
    """
    own = setting.mixture_of(mixture)
    varied = tuple(corpus for corpus in own.active if corpus not in setting.base_mixture.active)
    first = setting.begin(0.0, budget * setting.tokens, own, varied)
    return _described(setting.recipe(name, first, cooldown=cooldown), f"{_of(budget)} on {own}.")


def _of(budget: float) -> str:
    return "The whole budget" if budget == 1 else f"{100 * budget:g} % of the budget"


def _described(recipe: Recipe, description: str) -> Recipe:
    return dataclasses.replace(recipe, description=description)


@checked
def with_corpus(
    setting: Setting,
    corpus: MixtureSpec,
    share: Share,
    name: str = "",
    budget: PartOfBudget = 1.0,
    cooldown: bool = True,
) -> Recipe:
    """The whole budget on the base with one more corpus, or mixture, at a share of the tokens.

    `corpus`: registered name or role, or {corpus or role: rate}. `share`: its share of the tokens.
    `name`: name of the recipe; empty: "with_" and the role or the corpora. `budget`: part of
    Setting.tokens that is trained on. `cooldown`: whether the study's cooldown follows, in which
    the corpus has no part.
    """
    added = setting.mixture_of(corpus)
    mixture = blend(setting.base_mixture, added, share)
    phase = setting.begin(0.0, budget * setting.tokens, mixture, tuple(added.active))
    own = corpus if isinstance(corpus, str) else "_".join(added.active)
    recipe = setting.recipe(name or f"with_{own}", phase, cooldown=cooldown)
    text = f"on the base with {100 * share:g} % from {', '.join(added.active)}."
    return _described(recipe, f"{_of(budget)} {text}")


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
    mixture = _without(setting.base_mixture, corpus)
    phase = setting.begin(0.0, setting.tokens, mixture, (corpus,))
    # The cooldown leaves it out too.
    narrowed = dataclasses.replace(
        setting, base=mixture, cooldown_base=_without(setting.cooldown_mixture, corpus)
    )
    recipe = narrowed.recipe(f"without_{corpus}", phase)
    text = f"The whole budget on the base without {corpus}, the rest of it scaled up."
    return _described(recipe, text)


def _without(mixture: Mixture, corpus: str) -> Mixture:
    rates = {name: rate for name, rate in mixture.active.items() if name != corpus}
    if not rates:
        raise UserError(
            f"without_corpus.corpus is {corpus!r}, and Setting.cooldown_base has nothing else: "
            "give it a second corpus, or set Setting.cooldown_tokens = 0."
        )
    return Mixture.of(rates)


@checked
def text_only(setting: Setting) -> Recipe:
    """The whole budget on text."""
    return setting.recipe("text_only", setting.begin(0.0, setting.tokens))


@checked
def balanced_only(setting: Setting) -> Recipe:
    """The whole budget on text and code in equal parts."""
    return setting.recipe("balanced_only", setting.begin(0.5, setting.tokens))


@checked
def balanced_to_text(
    setting: Setting,
    first_share: Share = 0.5,
    then_share: Share = 0.1,
    first_source: MixtureSpec | None = None,
    name: str = "balanced_to_text",
) -> Recipe:
    """Half of the budget on text and code in equal parts, then text with 10 % code.

    `first_share`: share of code in the first half. `then_share`: share of code after it.
    `first_source`: mixture in the place of the source in the first half, which may name roles;
    None: the source. `name`: name of the recipe.
    """
    return _two_phases(setting, name, first_share, then_share, first_source)


@checked
def code_to_text(
    setting: Setting,
    first_share: Share = 1.0,
    then_share: Share = 0.1,
    first_source: MixtureSpec | None = None,
    name: str = "code_to_text",
) -> Recipe:
    """Half of the budget on code alone, then text with 10 % code.

    `first_share`: share of code in the first half. `then_share`: share of code after it.
    `first_source`: mixture in the place of the source in the first half, which may name roles;
    None: the source. `name`: name of the recipe.
    """
    return _two_phases(setting, name, first_share, then_share, first_source)


def _two_phases(
    setting: Setting,
    name: str,
    first_share: float,
    then_share: float,
    first_source: MixtureSpec | None,
) -> Recipe:
    own = setting
    if first_source is not None:
        own = dataclasses.replace(setting, source=setting.mixture_of(first_source))
    first = own.begin(first_share, setting.tokens / 2)
    tokens, schedule = setting.tokens_after(first), setting.continuation
    second = setting.follow(first, then_share, tokens, schedule, "continuation")
    text = f"Half of the budget on {first.mixture}, then {second.mixture}."
    return _described(setting.recipe(name, second), text)


RECIPES = (
    base_only,
    proportion,
    on_mixture,
    with_corpus,
    without_corpus,
    text_only,
    balanced_only,
    balanced_to_text,
    code_to_text,
)
"""Generic recipes, then the reference study's; registered in gin under their names."""
