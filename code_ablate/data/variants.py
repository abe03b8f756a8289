"""Corpora with other filters than they were registered with: a filter as something to ablate.

    unfiltered = CorpusVariant("demo.web_code.long_lines", of="demo.web_code",
                               without=("longest_line",), thresholds={"mean_line": 300})
    register_variants((unfiltered,))       # config.load does it for those that gin binds

A variant is a corpus like any other from then on: it has a name for mixtures, domains and commands,
and a token store with an identity of its own. Source, tokens and all other steps are those of the
corpus that it is made of.
"""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from code_ablate.checked import checked
from code_ablate.data.filters import GROUPS, Step
from code_ablate.data.registry import corpus_names, import_expected_tasks, seqio_is_installed
from code_ablate.errors import UserError, unknown_name
from code_ablate.names import require_name


@checked
@dataclass(frozen=True)
class CorpusVariant:
    """A registered corpus with other filters."""

    name: str
    """Name of the variant: letters, digits and '_ . - @ : +'."""
    of: str
    """Name of the registered corpus, or of a variant before this one."""
    without: tuple[str, ...] = ()
    """Filters that are left out, by kind (`longest_line`) or by whole name."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Other thresholds, by kind of filter (`mean_line`), or by kind and parameter
    (`words.minimum`) where a filter has several."""
    added: tuple[str, ...] = ()
    """Groups of filters that are put behind the others, such as `gopher` (docs/filters.md)."""

    def __post_init__(self):
        require_name("CorpusVariant.name", self.name)
        object.__setattr__(self, "thresholds", dict(self.thresholds))
        for group in self.added:
            if group not in GROUPS:
                raise unknown_name("group of filters (CorpusVariant.added)", group, GROUPS)


@checked
@dataclass(frozen=True)
class CorpusVariants:
    """The variants of a configuration."""

    variants: tuple[CorpusVariant, ...] = ()
    """Variants that can be used by name, in the order in which they are made."""


_registered: dict[str, CorpusVariant] = {}
"""The variants that SeqIO knows now."""


def register_variants(variants: Sequence[CorpusVariant]) -> None:
    """Registers the variants with SeqIO, in the place of those that were registered before.

    Raises UserError for an unknown corpus, filter or threshold, with the closest names, and for a
    name that is taken. Where SeqIO is not installed nothing is registered: stores that are prepared
    are found by their names.
    """
    if not variants and not _registered:
        return
    if not seqio_is_installed():
        return
    import_expected_tasks()
    import seqio

    for name in _registered:
        seqio.TaskRegistry.remove(name)
    _registered.clear()
    for variant in variants:
        names = (*seqio.TaskRegistry.names(), *seqio.MixtureRegistry.names())
        if variant.name in names:
            raise UserError(
                f"CorpusVariant.name is {variant.name!r}, and a corpus or mixture has that name: "
                "give the variant another one."
            )
        if variant.of not in seqio.TaskRegistry.names():
            raise unknown_name("corpus (CorpusVariant.of)", variant.of, corpus_names())
        task = seqio.TaskRegistry.get(variant.of)
        steps = changed_steps(task.preprocessors, variant)
        seqio.TaskRegistry.add_provider(
            variant.name, task.replace(name=variant.name, preprocessors=steps)
        )
        _registered[variant.name] = variant


def registered_variants(corpora: Sequence[str] | None = None) -> tuple[CorpusVariant, ...]:
    """The variants among some corpora, with those that they are made of; None: all."""
    needed = set(_registered if corpora is None else corpora)
    for name, variant in reversed(_registered.items()):
        if name in needed:
            needed.add(variant.of)
    return tuple(variant for name, variant in _registered.items() if name in needed)


def changed_steps(preprocessors: Sequence[Any], variant: CorpusVariant) -> list[Any]:
    """The preprocessors of a Task as the variant has them. Raises UserError for unknown names."""
    steps = [step for step in preprocessors if isinstance(step, Step)]
    for name in variant.without:
        if not any(_is_called(step, name) for step in steps):
            raise unknown_name(
                f"filter of {variant.of!r} (CorpusVariant.without)", name, _kinds(steps)
            )
    changes = [_threshold(steps, variant, *item) for item in variant.thresholds.items()]
    made: list[Any] = []
    for step in preprocessors:
        if not isinstance(step, Step):
            made.append(step)
        elif not _left_out(step, variant):
            # All at once: a step with another threshold has another name.
            settings: dict[str, Any] = {
                parameter: _in_kind(step, parameter, value)
                for kind, parameter, value in changes
                if _is_called(step, kind)
            }
            made.append(dataclasses.replace(step, **settings))
    behind = _end_of_filters(made)
    added = [step for group in variant.added for step in GROUPS[group]]
    return [*made[:behind], *added, *made[behind:]]


def _end_of_filters(preprocessors: Sequence[Any]) -> int:
    """Where filters can be added: behind the others, and before a step that derives a corpus."""
    steps = [i for i, step in enumerate(preprocessors) if isinstance(step, Step)]
    deriving = [i for i in steps if preprocessors[i].derives]
    return deriving[0] if deriving else max(steps, default=-1) + 1


def _is_called(step: Step, name: str) -> bool:
    return name in (step.kind, step.name)


def _kinds(steps: Sequence[Step]) -> list[str]:
    return sorted({step.kind for step in steps})


def _numbers(step: Step) -> list[str]:
    """Names of the parameters of a filter that are numbers."""
    hints = typing.get_type_hints(type(step))
    kinds = {int, float, int | None, float | None}
    return [name for name in step.thresholds if hints[name] in kinds]


def _threshold(
    steps: Sequence[Step], variant: CorpusVariant, name: str, value: float
) -> tuple[str, str, float]:
    """(kind or name of the filter, parameter, value) of a threshold."""
    what = f"filter of {variant.of!r} (CorpusVariant.thresholds)"
    # A whole name may hold a point, as in mean_line_over_0.5.
    kind = next((n for s in steps for n in (s.name, s.kind) if _begins(name, n)), None)
    if kind is None:
        raise unknown_name(what, name.partition(".")[0], _kinds(steps))
    if variant.without and any(_is_called(s, kind) for s in steps if _left_out(s, variant)):
        raise UserError(
            f"the filter {kind!r} stands in CorpusVariant.without and in CorpusVariant.thresholds "
            f"of {variant.name!r}: leave it out of one of them."
        )
    step = next(step for step in steps if _is_called(step, kind))
    parameter, known = name[len(kind) + 1 :], _numbers(step)
    if not parameter and len(known) == 1:
        parameter = known[0]
    if not parameter:
        written = ", ".join(f"{kind}.{number}" for number in known)
        raise UserError(
            f"the filter {kind!r} has {len(known)} numbers that can be set in "
            f"CorpusVariant.thresholds" + (f": write one of {written}." if known else ".")
        )
    if parameter not in known:
        raise unknown_name(f"threshold of {kind!r} (CorpusVariant.thresholds)", parameter, known)
    return kind, parameter, value


def _begins(name: str, filter_name: str) -> bool:
    return name == filter_name or name.startswith(f"{filter_name}.")


def _left_out(step: Step, variant: CorpusVariant) -> bool:
    return any(_is_called(step, name) for name in variant.without)


def _in_kind(step: Step, parameter: str, value: float) -> float:
    """The value as the parameter's annotation has it."""
    if typing.get_type_hints(type(step))[parameter] in (float, float | None):
        return value
    if not float(value).is_integer():
        raise UserError(
            f"CorpusVariant.thresholds has {value!r} for {step.kind}.{parameter}: it must be a "
            "whole number."
        )
    return int(value)
