"""What comes with the package and is no module of it: the gin files, and `tasks`.

    folder("gin") / "scales" / "demo.gin"
    import_tasks()                       # from now on `import tasks` gives this project's

In a clone they lie beside the package, in a wheel within it: a top-level package with the name
`tasks` would overwrite another one's, and a folder `gin` is gin-config's.
"""

import importlib.util
import sys
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from types import ModuleType

from code_ablate.errors import UserError

TASKS = "tasks"
"""Name of the package that registers this project's own corpora, mixtures and tasks."""

IN_THE_WHEEL = "_shipped"
"""Folder of the package that a wheel puts them into (setup.py)."""


def folder(name: str) -> Path:
    """Where this project's own `gin` or `tasks` lies. Raises UserError if it is not there."""
    package = Path(str(resources.files("code_ablate")))
    for candidate in (package / IN_THE_WHEEL / name, package.parent / name):
        if (candidate / "__init__.py").is_file() if name == TASKS else candidate.is_dir():
            return candidate
    raise UserError(f"the installation of code_ablate at {package} lacks {name}: install it anew.")


def import_tasks() -> ModuleType:
    """This project's package `tasks`, whatever else has that name in the current folder.

    Raises UserError if another one has been imported before.
    """
    ours = folder(TASKS)
    if TASKS in sys.modules:
        _require_ours(sys.modules[TASKS], ours)
        return sys.modules[TASKS]
    spec = importlib.util.spec_from_file_location(
        TASKS, ours / "__init__.py", submodule_search_locations=[str(ours)]
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[TASKS] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[TASKS]
        raise
    return module


def require_other_names(modules: Iterable[str]) -> None:
    """Raises UserError for a module of the user's that cannot be imported by its name.

    `tasks` is this project's. It may be named, except where the current folder has another one,
    which is then what was meant.
    """
    ours = folder(TASKS).resolve()
    candidates = (Path.cwd() / TASKS, Path.cwd() / f"{TASKS}.py")
    theirs = [path for path in candidates if path.exists() and path.resolve() != ours]
    for module in modules:
        if theirs and module.partition(".")[0] == TASKS:
            raise UserError(
                f"{module!r} is imported, and {TASKS!r} is the name of this project's own package: "
                f"give {theirs[0]} another name, or put it into a package and name that."
            )


def _require_ours(module: ModuleType, ours: Path) -> None:
    file = getattr(module, "__file__", None)
    if file is None or Path(file).resolve().parent != ours.resolve():
        raise UserError(
            f"a module named {TASKS!r} was imported from {file or 'a folder without __init__.py'} "
            f"before this project's own package of that name: give yours another name."
        )
