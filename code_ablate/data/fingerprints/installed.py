"""Which modules are installed, and of which version; all others are followed by content."""

import functools
import importlib.metadata
import os
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

_OURS = ("code_ablate", "tasks")
"""This project's own packages: followed by content, wherever they are installed."""


def version_of(module: str) -> str:
    """Name and version of the distribution that has a module: "numpy 2.1.0"."""
    root = module.partition(".")[0]
    for name in (root, *_distributions().get(root, ())):
        version = installed_version(name)
        if version:
            return f"{name} {version}"
    return root


@functools.cache
def installed_version(distribution: str) -> str | None:
    """Version of an installed distribution; None if there is none of the name."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


@functools.cache
def _installed_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    names = ("purelib", "platlib", "stdlib", "platstdlib")
    return tuple(os.path.realpath(paths[name]) + os.sep for name in names)


@functools.cache
def is_installed(module: str) -> bool:
    """Whether a module is of the standard library or of an installed distribution.

    This project's own modules are not, wherever they lie.
    """
    root = module.partition(".")[0]
    if root in _OURS or root == "__main__":
        return False
    if root in sys.stdlib_module_names:
        return True
    found = sys.modules.get(root)
    if found is None:  # made by hand, from a file
        return False
    file = getattr(found, "__file__", None) or next(iter(getattr(found, "__path__", ())), None)
    return file is None or is_installed_file(file)


def is_installed_file(file: str) -> bool:
    """Whether a file lies where Python and pip install."""
    parts = Path(file).parts
    return (
        "site-packages" in parts
        or "dist-packages" in parts
        or os.path.realpath(file).startswith(_installed_folders())
    )


def installed_name(module: str, name: str) -> str:
    """How something of an installed module stands in a text."""
    if module.partition(".")[0] in sys.stdlib_module_names:
        return f"{module}.{name}"
    return f"{module}.{name} of {version_of(module)}"


def is_ours(module: str | None) -> bool:
    """Whether a module is of this project."""
    return (module or "").partition(".")[0] in _OURS
