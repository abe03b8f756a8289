"""Names that can be used on the command line and in gin, with a line about each.

print(listing("scales"))
"""

import inspect

from code_ablate import config
from code_ablate.data import registry
from code_ablate.errors import UserError
from code_ablate.study.recipes import RECIPES
from code_ablate.study.variation import VARIATIONS


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
    """gin files with the first line of their comment."""
    found = {}
    for name, file in config.gin_files(folder).items():
        first = file.read_text(encoding="utf-8").partition("\n")[0]
        found[name] = first.lstrip("# ") if first.startswith("#") else ""
    return found


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
    return {name: str(registry.resolve_mixture(name)) for name in names}


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
