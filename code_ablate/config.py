"""Configuration by gin: what can be bound, and how files and bindings are read.

    load(["studies/demo.gin"], ["Setting.tokens = 1000000"], imports=["my_corpora"])
    study = make("Study")

The entry dataclasses are plain and know nothing of gin; they are registered here, in one table. A
name or parameter that does not exist fails while the files are read, with the closest names.
"""

import contextlib
import dataclasses
import difflib
import importlib
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import gin
from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.errors import UserError, unknown_name
from code_ablate.evaluation.judge.config import JudgeConfig
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.jobs.workspace import Paths
from code_ablate.model.config import MeshConfig, ModelConfig
from code_ablate.study.graph import Study
from code_ablate.study.hardware import Hardware
from code_ablate.study.recipes import RECIPES, Setting
from code_ablate.training.execution import LoopConfig
from code_ablate.training.phase import Optimizer, Phase, Schedule
from code_ablate.training.profiler import ProfileConfig
from code_ablate.training.rundir import phase_of_run
from code_ablate.training.tracking import TrackingConfig

CONFIGURABLES = (
    Study,
    Setting,
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

GIN_DIRECTORY = Path(__file__).resolve().parent.parent / "gin"

_made: dict[str, Callable] = {}
_imported: list[str] = []


def register() -> None:
    """Makes CONFIGURABLES known to gin. Calling it again does nothing."""
    for thing in CONFIGURABLES:
        if thing.__name__ not in _made:
            _made[thing.__name__] = gin.external_configurable(thing, module="code_ablate")


def find_gin_file(name: str, folder: str) -> str:
    """The path of gin file `name`: a path, or a name in gin/`folder`. Raises UserError."""
    candidates = [Path(name), Path.cwd() / "gin" / folder / f"{name}.gin"]
    candidates.append(GIN_DIRECTORY / folder / f"{name}.gin")
    for candidate in candidates:
        if candidate.is_file():
            return str(candidate)
    known = {file.stem for base in _gin_directories() for file in (base / folder).glob("*.gin")}
    raise unknown_name(f"gin file (looked for it in gin/{folder})", name, known)


def _gin_directories() -> list[Path]:
    return list(dict.fromkeys([Path.cwd() / "gin", GIN_DIRECTORY]))


def import_modules(modules: Sequence[str]) -> None:
    """Imports modules that register corpora, tasks or recipes. UserError if one cannot be found."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name not in (module, module.partition(".")[0]):
                raise
            raise UserError(
                f"no module named {module!r} can be imported: run from the folder that holds it, "
                "or add that folder to PYTHONPATH."
            ) from None


def load(files: Sequence[str], bindings: Sequence[str] = (), imports: Sequence[str] = ()) -> None:
    """Reads gin files and bindings into a clean gin. Raises UserError for whatever is wrong."""
    import_modules(imports)
    register()
    gin.clear_config()
    for directory in _gin_directories():
        gin.add_config_file_search_path(str(directory))
    for file in files:
        if not Path(file).is_file():
            raise UserError(f"no gin file {file!r}.")
    try:
        with _quiet_search():
            parsed = gin.parse_config_files_and_bindings(
                list(files), list(bindings), skip_unknown=False
            )
    except UserError:
        raise
    except ModuleNotFoundError as error:
        raise UserError(f"a gin file imports {error.name!r}, which cannot be found.") from None
    except (ValueError, SyntaxError, OSError, AttributeError, LookupError) as error:
        raise _explain(error) from error
    _imported[:] = _imports_of(parsed)


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


def _imports_of(parsed) -> list[str]:
    return [
        module
        for file in parsed
        for module in (*file.imports, *_imports_of(file.includes))
        if not module.startswith("code_ablate")
    ]


def imported_modules() -> tuple[str, ...]:
    """Modules that the gin files import: worker processes have to import them too."""
    return tuple(_imported)


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
        if thing.__name__ == name and dataclasses.is_dataclass(thing):
            return [field.name for field in dataclasses.fields(thing)]
    return []


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
