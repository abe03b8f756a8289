"""Folders of the user's that take the place of installed packages: `gin/__init__.py`, `seqio.py`.

    put_current_folder_last()    # as the command `code-ablate` has it, for python -m
    require_none()               # UserError: /home/me/gin is imported in the place of gin ...

Nothing that might be shadowed is imported here.
"""

import importlib.machinery
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from code_ablate.errors import UserError

NEEDED = (
    *("absl", "annotated_types", "etils", "flax", "fsspec", "gin", "jax", "jaxlib", "jaxtyping"),
    *("jinja2", "markupsafe", "matplotlib", "numpy", "optax", "orbax", "pandas", "pyarrow"),
    *("pydantic", "rensa", "scipy", "sentencepiece", "seqio", "sklearn", "t5", "tensorboardX"),
    *("tensorflow", "tensorflow_datasets", "tensorflow_text", "tensorstore", "tokenizers"),
    *("tqdm", "zstandard"),
)
"""Packages that this project imports."""


def put_current_folder_last() -> None:
    """Python looks for modules in the current folder first where it is started with -m; from now on
    it looks there after all that is installed."""
    if sys.path and sys.path[0] in ("", os.getcwd()):
        sys.path.append(sys.path.pop(0))


def require_none() -> None:
    """Raises UserError if a module of the user's would be imported in the place of a package that
    this project needs. A copy of the package itself is none: people work on those."""
    installed = [folder for folder in sys.path if _is_of_packages(folder)]
    for folder in _before(installed):
        for name in NEEDED:
            theirs = _module_in(folder, name)
            package = theirs and importlib.machinery.PathFinder.find_spec(name, installed)
            if theirs and package and package.origin and not _is_copy(theirs, Path(package.origin)):
                raise UserError(
                    f"{theirs} is imported in the place of the installed package {name}, which "
                    f"code_ablate needs ({package.origin}): give yours another name, or take "
                    f"{os.path.abspath(folder)} out of PYTHONPATH. Modules of the current folder "
                    "are found without it, after what is installed."
                )


def _is_of_packages(folder: str) -> bool:
    return not {"site-packages", "dist-packages"}.isdisjoint(Path(folder).parts)


def _before(installed: list[str]) -> Iterator[str]:
    """Folders in which Python looks before it comes to what is installed."""
    for folder in sys.path:
        if folder in installed:
            return
        yield folder


def _module_in(folder: str, name: str) -> Path | None:
    candidates = (Path(folder, name, "__init__.py"), Path(folder, f"{name}.py"))
    file = next((path for path in candidates if path.is_file()), None)
    return file and (file.parent if file.name == "__init__.py" else file).absolute()


def _is_copy(theirs: Path, package: Path) -> bool:
    """Whether at least half of the files of a package are there."""
    if not theirs.is_dir() or package.name != "__init__.py":
        return False
    files = {path.name for path in package.parent.iterdir() if path.suffix == ".py"}
    return 2 * len(files & {path.name for path in theirs.iterdir()}) >= len(files)
