"""Configuration by gin: what can be bound, and how files and bindings are read.

    study = load_study("proportion", scale="demo", bindings=["Setting.tokens = 1000000"])
    workspace = make_workspace()
    load(["gin/phases/demo.gin"], imports=["my_corpora"]); phase = make("Phase")

The entry dataclasses are plain and know nothing of gin; they are registered here, in one table. A
name or parameter that does not exist fails while the files are read, with the closest names.
"""

import contextlib
import difflib
import inspect
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import gin
from code_ablate import distributed, shipped
from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.registry import (
    expect_tasks,
    import_modules,
    needs_data_package,
    require_tasks,
)
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.errors import UserError, unknown_name
from code_ablate.evaluation.judge.config import JudgeConfig
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.jobs.workspace import Paths, Workspace
from code_ablate.model.config import MeshConfig, ModelConfig
from code_ablate.study.graph import Study
from code_ablate.study.hardware import Hardware
from code_ablate.study.recipes import RECIPES, Setting, Side
from code_ablate.training.execution import Execution, LoopConfig
from code_ablate.training.phase import Optimizer, Phase, Schedule
from code_ablate.training.profiler import ProfileConfig
from code_ablate.training.rundir import phase_of_run
from code_ablate.training.tracking import TrackingConfig

CONFIGURABLES = (
    Study,
    Setting,
    Side,
    Phase,
    ModelConfig,
    Optimizer,
    Schedule,
    VocabularyConfig,
    PrepareConfig,
    SuiteConfig,
    JudgeConfig,
    MeshConfig,
    LoopConfig,
    TrackingConfig,
    ProfileConfig,
    Hardware,
    Paths,
    phase_of_run,
    *RECIPES,
)
"""Everything of ours that gin can bind. Users add their own with @gin.configurable."""

DEFAULT_SCALE = "demo"

GIN_DIRECTORY = shipped.folder("gin")
"""This project's own gin files."""

_made: dict[str, Callable] = {}
_imported: list[str] = []
_unlocked = contextlib.ExitStack()
"""Modules that were imported for the last `load`, by name or by a gin file."""


def register() -> None:
    """Makes CONFIGURABLES known to gin. Calling it again does nothing."""
    for thing in CONFIGURABLES:
        if thing.__name__ not in _made:
            _made[thing.__name__] = gin.external_configurable(thing, module="code_ablate")


def find_gin_file(name: str, folder: str) -> str:
    """The path of gin file `name`: a path, or a name in gin/`folder`. Raises UserError."""
    is_path = Path(name).suffix == ".gin" or len(Path(name).parts) > 1
    if is_path and Path(name).is_file():
        return str(Path(name))
    files = gin_files(folder)
    if name not in files:
        raise unknown_name(f"gin file (looked for it in gin/{folder})", name, files)
    return str(files[name])


def _gin_directories() -> list[Path]:
    return list(dict.fromkeys([GIN_DIRECTORY, Path.cwd() / "gin"]))


def gin_files(folder: str) -> dict[str, Path]:
    """The files of gin/`folder` by name: this project's own, and others of the current folder.

    A file of the current folder that has the name of one of ours is given by its path.
    """
    files: dict[str, Path] = {}
    for base in _gin_directories():
        for file in sorted((base / folder).glob("*.gin")):
            files.setdefault(file.stem, file)
    return dict(sorted(files.items()))


def load(
    files: Sequence[str],
    bindings: Sequence[str] = (),
    imports: Sequence[str] = (),
    *,
    looks_only: bool = False,
) -> None:
    """Reads gin files and bindings into a clean gin. Raises UserError for whatever is wrong.

    `imports`: modules that register more than this project's own `tasks`. `looks_only`: nothing
    will be prepared or evaluated, so `tasks` need not be imported while its names are remembered.
    """
    shipped.require_other_names(imports)
    modules = (shipped.TASKS, *imports)
    if looks_only and not imports and not _import_something(files):
        expect_tasks()
    else:
        import_modules(modules)
    register()
    _unlocked.close()
    gin.clear_config()
    # Where included files are looked for; gin itself can only add to the end of this list.
    gin.config._LOCATION_PREFIXES[:] = [*map(str, _gin_directories()), ""]
    for file in files:
        if not Path(file).is_file():
            raise UserError(f"no gin file {file!r}.")
    try:
        with _quiet_search():
            parsed = gin.parse_config_files_and_bindings(
                [str(Path(file).absolute()) for file in files], list(bindings), skip_unknown=False
            )
    except UserError:
        raise
    except ModuleNotFoundError as error:
        if needs_data_package(error):
            raise UserError(
                f"a gin file imports a module that needs {error.name}, which is not installed: "
                "pip install 'code-ablate[data]'."
            ) from None
        raise UserError(f"a gin file imports {error.name!r}, which cannot be found.") from None
    except (ValueError, SyntaxError, OSError, AttributeError, LookupError) as error:
        raise _explain(error) from error
    # t5 registers configurables when a Task first uses it, which is after the files are read.
    _unlocked.enter_context(gin.unlock_config())
    imported = _imports_of(parsed)
    shipped.require_other_names(imported)
    _imported[:] = dict.fromkeys((*modules, *imported))


def load_study(
    name: str,
    scale: str | None = None,
    *,
    files: Sequence[str] = (),
    bindings: Sequence[str] = (),
    imports: Sequence[str] = (),
    looks_only: bool = False,
) -> Study:
    """The study `name` (in gin/studies, or a gin file) at a scale, with names of its data checked.

    The scale is read first, so that the study, then `files`, then `bindings` may change what it
    sets. A study that binds `Setting.model` has a size of its own, usually from a scale that it
    includes, and takes no other. Without either, the scale is "demo", and that is said. Raises
    UserError.
    """
    own = [find_gin_file(name, "studies"), *files]
    scale_file = find_gin_file(scale, "scales") if scale else None
    load(own, bindings, imports, looks_only=looks_only)
    if _bound("Setting.model"):
        included = _bound("Study.scale")
        if scale and included != Path(scale).stem:
            its_own = f"the scale {included!r}" if included else "a size of its own"
            raise UserError(f"{name} has {its_own}, so --scale {scale} cannot be given with it.")
    else:
        if not scale_file:
            scale_file = find_gin_file(DEFAULT_SCALE, "scales")
            _say_default_scale(name)
        load([scale_file, *own], bindings, imports, looks_only=looks_only)
    study = make("Study")
    require_tasks("corpus", study.corpora)
    require_tasks("evaluation task", study.suite.tasks)
    return study


def _say_default_scale(name: str) -> None:
    if distributed.is_first():
        others = ", ".join(gin_files("scales"))
        print(f"note: {name} at the scale {DEFAULT_SCALE}; --scale: {others}.", file=sys.stderr)


def _bound(parameter: str):
    """What the gin files bind to `parameter`; None if nothing."""
    try:
        return gin.query_parameter(parameter)
    except ValueError:
        return None


@contextlib.contextmanager
def _quiet_search() -> Iterator[None]:
    """Without the error that gin logs for each folder in which an included file is not."""

    def matters(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Path not found")

    logging.getLogger().addFilter(matters)
    try:
        yield
    finally:
        logging.getLogger().removeFilter(matters)


def _import_something(files: Sequence[str]) -> bool:
    """Whether gin files, or those that they include, import modules. These may need `tasks`."""
    waiting = [Path(file) for file in files]
    while waiting:
        file = waiting.pop()
        text = file.read_text() if file.is_file() else ""
        if re.search(r"^\s*(import|from)\s", text, re.MULTILINE):
            return True
        for included in re.findall(r"^\s*include\s+['\"](.+?)['\"]", text, re.MULTILINE):
            places = [*_gin_directories(), Path()]
            waiting += [place / included for place in places if (place / included).is_file()][:1]
    return False


def _imports_of(parsed) -> list[str]:
    return [
        module
        for file in parsed
        for module in (*file.imports, *_imports_of(file.includes))
        if not module.startswith("code_ablate")
    ]


def make_workspace() -> Workspace:
    """`Paths` as gin has them, with the modules of the last `load` for worker processes."""
    return Workspace(make("Paths"), tuple(_imported))


def make_execution() -> Execution:
    """How to run, as gin has it: mesh, loop, tracking and profile."""
    return Execution(
        mesh=make("MeshConfig"),
        loop=make("LoopConfig"),
        tracking=make("TrackingConfig"),
        profile=make("ProfileConfig"),
    )


def make(name: str):
    """An instance of the registered class `name`, as gin has it. Raises UserError."""
    try:
        return _made[name]()
    except UserError:
        raise
    except (TypeError, ValueError) as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        if isinstance(cause, UserError):
            raise cause from None
        raise UserError(_first_line(error)) from error


def operative() -> str:
    """The bindings that were used so far, as gin text."""
    return gin.operative_config_str()


def _explain(error: Exception) -> UserError:
    """gin's message with the closest names that exist."""
    message = _first_line(error)
    missing = re.search(r"No configurable matching '([^']+)'", str(error))
    if missing:
        names = {path.rpartition(".")[2] for path in _known_configurables()}
        return unknown_name("gin configurable", missing[1].rpartition("/")[2], names)
    parameter = re.search(
        r"Configurable '([^']+)' doesn't have a parameter named '([^']+)'", str(error)
    )
    if parameter:
        owner, name = parameter[1].rpartition(".")[2], parameter[2]
        close = difflib.get_close_matches(name, _parameters(owner), n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(close)}?" if close else f"it has {_parameters(owner)}."
        return UserError(f"{owner} has no parameter {name!r}; {hint}")
    return UserError(f"gin: {message}")


def _known_configurables() -> list[str]:
    return [thing.__name__ for thing in CONFIGURABLES]


def _parameters(name: str) -> list[str]:
    for thing in CONFIGURABLES:
        if thing.__name__ == name:
            return list(inspect.signature(thing).parameters)
    return []


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
