"""Names that can be used on the command line and in gin, with a line about each.

print(listing("scales"))
"""

import inspect
import itertools
import re

from code_ablate import config
from code_ablate.data import registry
from code_ablate.data.mixing import Mixture
from code_ablate.errors import UserError
from code_ablate.study.recipes import RECIPES
from code_ablate.study.variation import VARIATIONS

_WIDE = 110
"""Most characters of a text; its first sentence stands whole, however long."""

_FEW = 4
"""Corpora of a mixture that are all named; of more, the greatest three are."""


def listing(what: str) -> str:
    """A line per name of a kind, such as "scales". Needs `config.load` before it."""
    makers = {
        "tasks": _tasks,
        "corpora": _corpora,
        "mixtures": _mixtures,
        "recipes": _recipes,
    }
    names = makers[what]() if what in makers else _files(what)
    width = max(map(len, names), default=0)
    lines = [f"{name:<{width}}  {text}".rstrip() for name, text in names.items()]
    return "\n".join(lines) or f"there are no {what} here."


def _files(folder: str) -> dict[str, str]:
    """gin files with the first sentences of their comment: what fits into a line, at least one."""
    files = config.gin_files(folder)
    return {name: _sentences(file.read_text(encoding="utf-8")) for name, file in files.items()}


def _sentences(text: str) -> str:
    comment = itertools.takewhile(lambda line: line.startswith("#"), text.splitlines())
    sentences = re.split(r"(?<=[.?!]) +", " ".join(line.lstrip("# ") for line in comment))
    lengths = itertools.accumulate(len(sentence) + 1 for sentence in sentences)
    fitting = sum(length <= _WIDE + 1 for length in lengths)
    return " ".join(sentences[: max(1, fitting)])


def _recipes() -> dict[str, str]:
    return {recipe.__name__: _first_line(recipe) for recipe in (*RECIPES, *VARIATIONS)}


def _tasks() -> dict[str, str]:
    if known := registry.remembered_names():
        return dict(sorted(known.descriptions.items()))
    from code_ablate.evaluation import declarations

    infos = {name: declarations.info(name) for name in _registered("TaskRegistry")}
    found = {name: f"{i.category}, {i.kind.title}" for name, i in infos.items() if i}
    registry.remember_descriptions(found)
    return found


def _corpora() -> dict[str, str]:
    evaluated = _tasks()
    known = registry.remembered_names()
    names = sorted(known.tasks) if known else _registered("TaskRegistry")
    return {name: "" for name in names if name not in evaluated}


def _mixtures() -> dict[str, str]:
    known = registry.remembered_names()
    names = sorted(known.mixtures) if known else _registered("MixtureRegistry")
    return {name: _brief(registry.resolve_mixture(name)) for name in names}


def _brief(mixture: Mixture) -> str:
    """A mixture in a line: its corpora, or of many the greatest, and how many more there are."""
    rates = sorted(mixture.active.items(), key=lambda entry: -entry[1])
    if len(rates) <= _FEW:
        return str(mixture)
    greatest = (f"{100 * rate:.3g}% {corpus}" for corpus, rate in rates[: _FEW - 1])
    return f"{' + '.join(greatest)} + {len(rates) - _FEW + 1} more corpora"


def _registered(kind: str) -> list[str]:
    """Names in a registry of SeqIO. Raises UserError where it is not installed."""
    registry.import_expected_tasks()
    try:
        import seqio
    except ImportError as error:
        raise UserError(
            f"SeqIO, which knows these names, cannot be imported ({error}): {registry.INSTALL}."
        ) from error
    return sorted(getattr(seqio, kind).names())


def _first_line(function) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]
