"""Names that can be used on the command line and in gin, with a line about each.

print(listing("scales"))
"""

import inspect

from code_ablate import config
from code_ablate.study.recipes import RECIPES


def listing(what: str) -> str:
    """A line per name; `what` is one of code_ablate.cli.LISTS. Needs `config.load` before it."""
    makers = {
        "tasks": _tasks,
        "corpora": _corpora,
        "mixtures": _mixtures,
        "recipes": lambda: {recipe.__name__: _first_line(recipe) for recipe in RECIPES},
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


def _tasks() -> dict[str, str]:
    from code_ablate.evaluation import declarations

    infos = {name: declarations.info(name) for name in _registered("TaskRegistry")}
    return {name: f"{i.category}, {i.kind.title}" for name, i in infos.items() if i}


def _corpora() -> dict[str, str]:
    from code_ablate.evaluation import declarations

    return {name: "" for name in _registered("TaskRegistry") if not declarations.info(name)}


def _mixtures() -> dict[str, str]:
    from code_ablate.data.registry import resolve_mixture

    return {name: str(resolve_mixture(name)) for name in _registered("MixtureRegistry")}


def _registered(registry: str) -> list[str]:
    try:
        import seqio
    except ImportError:
        return []
    return sorted(getattr(seqio, registry).names())


def _first_line(function) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]
